"""Shoppers who order, claim and pay without a break while things break, and who remember every answer."""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import urllib3

from orchard.runtime.database import placeholders
from tests.support.scenario import RunningShop, Shopper
from tests.support.shop import Goods

CLAIMS_PER_TEMPLATE = 90


@dataclass
class Attempt:
    """One intention: its key, what was asked, and the answer's id once the shop gave one."""

    shopper: Shopper
    path: str
    body: dict[str, Any]
    names: str
    key: str = field(default_factory=lambda: secrets.token_hex(16))
    answered: str = ""
    paid: bool = False
    sendings: int = 0

    def send(self) -> bool:
        """Send it (again); False where the outcome stays unknown. A repetition must say what was said before."""
        self.sendings += 1
        try:
            status, answer = self.shopper.phone.attempt("POST", self.path, self.body, key=self.key)
        except urllib3.exceptions.HTTPError:
            return False
        if status >= 500:
            return False
        assert status == 201, answer
        assert self.answered in {"", answer[self.names]}, "another answer to the same key"
        self.answered = answer[self.names]
        return True

    def pay(self) -> None:
        """Pay the order as far as the shop is there for it, and remember whether WeChat took the money."""
        try:
            status, answer = self.shopper.phone.attempt("POST", f"/orders/{self.answered}/pay")
        except urllib3.exceptions.HTTPError:
            return
        self.paid = status == 200 and self.shopper.confirm(answer["parameters"]) == "requestPayment:ok"


@dataclass
class Load:
    """What runs while something else breaks: orders of one article, every third paid, and coupons."""

    shop: RunningShop
    goods: Goods
    # Coupon templates, each good for at least CLAIMS_PER_TEMPLATE coupons a member.
    templates: list[int]
    attempts: list[Attempt] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self, shoppers: int) -> Iterator[None]:
        """The load for the length of a block. AssertionError for any answer that should not be."""
        wanted = [self.shop.shopper() for _ in range(shoppers)]
        bodies = [shopper.agree(shopper.wish((self.goods, 1))) for shopper in wanted]
        threads = [
            threading.Thread(target=self._run, args=pair, daemon=True) for pair in zip(wanted, bodies, strict=True)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join(90)
        assert self.errors == []

    def _run(self, shopper: Shopper, body: dict[str, Any]) -> None:
        try:
            turn = 0
            while not self._over.is_set():
                turn += 1
                order = self._begin(Attempt(shopper, "/orders", body, "order_number"))
                if order.send() and turn % 3 == 0:
                    order.pay()
                if turn // CLAIMS_PER_TEMPLATE < len(self.templates):
                    claim = {"template_id": str(self.templates[turn // CLAIMS_PER_TEMPLATE])}
                    self._begin(Attempt(shopper, "/coupons/claims", claim, "coupon_id")).send()
        except BaseException as error:
            self.errors.append(error)

    def _begin(self, attempt: Attempt) -> Attempt:
        self.attempts.append(attempt)
        return attempt

    @property
    def acknowledged(self) -> list[Attempt]:
        """What the shop has confirmed."""
        return [attempt for attempt in self.attempts if attempt.answered]

    @property
    def unknown(self) -> list[Attempt]:
        """What the shop has neither confirmed nor refused."""
        return [attempt for attempt in self.attempts if not attempt.answered]

    def ids(self, names: str) -> set[str]:
        """Confirmed order numbers or coupon ids."""
        return {attempt.answered for attempt in self.acknowledged if attempt.names == names}

    def there(self, names: str) -> set[str]:
        """Order numbers or coupon ids that the database has, asked for or not."""
        if names == "order_number":
            lines = "orders o JOIN order_line l ON l.order_id = o.id"
            sql = f"SELECT o.order_number AS found FROM {lines} WHERE l.sku_id = %s"
            return {str(row["found"]) for row in self.shop.rows(sql, self.goods.sku_id)}
        sql = f"SELECT id AS found FROM coupon WHERE template_id IN ({placeholders(self.templates)})"
        return {str(row["found"]) for row in self.shop.rows(sql, *self.templates)}
