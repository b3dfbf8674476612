"""MariaDB killed under load: what was acknowledged is there, and every unknown outcome is settled by the same key."""

import secrets
import threading
from dataclasses import dataclass, field
from typing import Any

import urllib3

from tests.support.scenario import RunningShop, Shopper
from tests.support.shop import Goods

_KILLS = 3
_SHOPPERS = 4
_ORDERS_BETWEEN_KILLS = 20
_MOST_RETRIES = 20


@dataclass
class Attempt:
    """One intention to buy: its key, what was asked, and the order's number once the shop said so."""

    shopper: Shopper
    key: str
    body: dict[str, Any]
    number: str = ""

    def send(self) -> bool:
        """Place the order; False where the outcome stays unknown. A repetition must say what was said before."""
        try:
            status, answer = self.shopper.phone.attempt("POST", "/orders", self.body, key=self.key)
        except urllib3.exceptions.HTTPError:
            return False
        if status >= 500:
            return False
        assert status == 201, answer
        assert self.number in {"", answer["order_number"]}
        self.number = answer["order_number"]
        return True

    def pay(self) -> bool:
        """Pay as far as the shop is there for it; whether WeChat took the money."""
        try:
            status, answer = self.shopper.phone.attempt("POST", f"/orders/{self.number}/pay")
        except urllib3.exceptions.HTTPError:
            return False
        return status == 200 and self.shopper.confirm(answer["parameters"]) == "requestPayment:ok"


@dataclass
class Load:
    """Shoppers who order without a break until told to stop, and pay for every third order."""

    over: threading.Event = field(default_factory=threading.Event)
    attempts: list[Attempt] = field(default_factory=list)
    paid: list[Attempt] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)

    def run(self, shopper: Shopper, body: dict[str, Any]) -> None:
        """One shopper's thread."""
        try:
            turn = 0
            while not self.over.is_set():
                turn += 1
                attempt = Attempt(shopper, secrets.token_hex(16), body)
                self.attempts.append(attempt)
                if attempt.send() and turn % 3 == 0 and attempt.pay():
                    self.paid.append(attempt)
        except BaseException as error:
            self.errors.append(error)

    @property
    def acknowledged(self) -> int:
        """How many orders the shop has confirmed."""
        return sum(bool(attempt.number) for attempt in self.attempts)


def _run_under_kills(shop: RunningShop, goods: Goods) -> Load:
    load = Load()
    shoppers = [shop.shopper() for _ in range(_SHOPPERS)]
    threads = [
        threading.Thread(target=load.run, args=(shopper, shopper.agree(shopper.wish((goods, 1)))), daemon=True)
        for shopper in shoppers
    ]
    for thread in threads:
        thread.start()
    try:
        for _ in range(_KILLS):
            before = load.acknowledged
            shop.eventually(lambda n=before: load.acknowledged >= n + _ORDERS_BETWEEN_KILLS or bool(load.errors))  # type: ignore[misc]
            shop.cloud.mariadb.kill()
            shop.cloud.mariadb.start()
    finally:
        load.over.set()
        for thread in threads:
            thread.join(60)
    assert load.errors == []
    return load


def test_killing_the_database_under_load_loses_nothing_that_was_acknowledged(shop: RunningShop) -> None:
    goods = shop.shelf.sell(stock=100_000)
    load = _run_under_kills(shop, goods)
    unknown = [attempt for attempt in load.attempts if not attempt.number]
    assert unknown, "no kill struck an order: the load proves nothing"
    acknowledged = {attempt.number for attempt in load.attempts if attempt.number}
    there = {row["order_number"] for row in _orders(shop, goods)}
    assert acknowledged <= there

    for attempt in load.attempts:
        assert any(attempt.send() for _ in range(_MOST_RETRIES)), "a key whose outcome cannot be found out"
    numbers = [attempt.number for attempt in load.attempts]
    assert len(set(numbers)) == len(numbers), "two keys share an order"
    assert {row["order_number"] for row in _orders(shop, goods)} == set(numbers), "an order that no key asked for"
    assert shop.shelf.available(goods) == 100_000 - len(numbers)
    _assert_paid(shop, load)


def _orders(shop: RunningShop, goods: Goods) -> list[dict[str, Any]]:
    return shop.rows(
        "SELECT o.order_number FROM orders o JOIN order_line l ON l.order_id = o.id WHERE l.sku_id = %s", goods.sku_id
    )


def _assert_paid(shop: RunningShop, load: Load) -> None:
    """Money that WeChat took while nobody could be told pays its order all the same."""
    assert load.paid
    for attempt in load.attempts:
        shop.let_pass(60, attempt.number)
    shop.fire("finish_open_intents")
    shop.fire("sync_payments")
    assert {attempt.shopper.state(attempt.number) for attempt in load.paid} == {"TO_SHIP"}
