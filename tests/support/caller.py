"""A caller who does not give up: same key, same body, jobs run twice, until there is an answer."""

import secrets
from collections.abc import Callable
from typing import Any

import urllib3

from infra.local.processes import LocalCloudError
from orchard.payments.rules import QUERY_LADDER
from tests.support.scenario import RunningShop, Shopper

Arm = Callable[[], None]
TRIES = 12
PRICE_FEN, STOCK = 1500, 5


class Life:
    """One shopper, one article, one order at a time, and the stubbornness that a mini-program and cron have."""

    def __init__(self, shop: RunningShop, arm: Arm) -> None:
        self.shop, self.arm = shop, arm
        self.shopper: Shopper = shop.shopper()
        self.goods = shop.shelf.sell(price_fen=PRICE_FEN, stock=STOCK)
        self.number = ""
        # Calls that got no answer or a server's error, so far.
        self.failures = 0

    def call(self, method: str, path: str, body: Any = None, key: str = "") -> Any:
        """Repeat one call with one key until it is answered; its JSON. What is refused fails the test."""
        key = key or secrets.token_hex(16)
        for _ in range(TRIES):
            try:
                status, answer = self.shopper.phone.attempt(method, path, body, key=key)
            except urllib3.exceptions.HTTPError:
                status, answer = 599, {}
            if status < 400 or (method, status) == ("DELETE", 404):
                return answer
            assert status >= 500 or answer["code"] == "payment_in_progress", (status, answer)
            self.failures += 1
            if self.number:
                self.shop.let_pass(120, self.number)
        raise AssertionError(f"{method} {path} never succeeds")

    def fire(self, job: str, times: int = 2) -> None:
        """Run a job to its end so many times; a run that dies is repeated, as cron does."""
        for _ in range(TRIES):
            try:
                self.shop.fire(job)
            except LocalCloudError:
                self.failures += 1
                continue
            times -= 1
            if not times:
                return
        raise AssertionError(f"{job} never ends")

    def agreed(self, **more: Any) -> dict[str, Any]:
        """An order's body for one unit."""
        return self.shopper.agree({**self.shopper.wish((self.goods, 1)), **more})

    def until(self, condition: Callable[[], bool], *jobs: str) -> None:
        """Let time pass and run jobs until it is so."""
        for _ in range(TRIES):
            if condition():
                return
            self.shop.let_pass(QUERY_LADDER[-1], self.number)
            for job in jobs:
                self.fire(job)
        raise AssertionError(f"{jobs} do not bring it about")

    def place(self, body: dict[str, Any]) -> None:
        """Place the order; saying it once more changes nothing."""
        key = secrets.token_hex(16)
        first = self.call("POST", "/orders", body, key)
        assert self.call("POST", "/orders", body, key) == first
        self.number = first["order_number"]

    def sheet(self) -> dict[str, Any]:
        """What wx.requestPayment needs."""
        parameters: dict[str, Any] = self.call("POST", f"/orders/{self.number}/pay")["parameters"]
        return parameters

    def pay(self) -> None:
        """Pay in WeChat."""
        assert self.shopper.confirm(self.sheet()) == "requestPayment:ok"

    def state(self) -> str:
        """The order's state in the database."""
        return self.shop.state(self.number)

    def heard(self) -> None:
        """The order is paid, by WeChat's notification or by what the inbox has kept of it."""
        self.shop.wechat.deliver_notifications()
        self.until(lambda: self.state() != "PENDING_PAY", "finish_open_intents", "sync_payments")

    def publish(self) -> None:
        """Every event reaches its workers."""
        self.fire("relay_outbox")
        self.shop.drain()

    def sent_back(self) -> None:
        """The refund that was asked for arrives."""
        self.publish()
        self.shop.wechat.deliver_notifications()
        self.until(lambda: self.state() == "REFUNDED", "relay_outbox", "finish_open_intents")

    def assert_stock(self, *kinds: str) -> None:
        """The order's ledger rows are these, and the shelf agrees."""
        rows = self.shop.rows(
            "SELECT g.kind FROM stock_ledger g JOIN order_line l ON l.id = g.line_id JOIN orders o ON o.id = l.order_id"
            " WHERE o.order_number = %s ORDER BY g.kind",
            self.number,
        )
        assert tuple(row["kind"] for row in rows) == kinds
        assert self.shop.shelf.available(self.goods) == STOCK - ("RELEASE" not in kinds)
        sold = "SELECT COUNT(DISTINCT order_id) AS n FROM order_line WHERE sku_id = %s"
        assert self.shop.one(sold, self.goods.sku_id) == 1, "an order that nobody acknowledged"

    def assert_paid_once(self) -> None:
        """WeChat and we have taken the price one time."""
        assert [paid["paid_fen"] for paid in self.shop.at_wechat(self.number)] == [
            self.shop.payment(self.number)["amount_fen"]
        ]

    def assert_refunded_once(self) -> None:
        """WeChat and we have given it back one time."""
        made = [row for row in self.shop.wechat.ledger()["refunds"] if row["out_trade_no"] == self.number]
        ours = [refund["out_refund_no"] for refund in self.shop.refunds(self.number)]
        assert len(ours) == 1
        assert [row["out_refund_no"] for row in made] == ours
