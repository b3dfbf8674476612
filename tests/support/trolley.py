"""A shopper at their cart, for tests of the cart's functions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.support.calls import Answer
from tests.support.products import TestSku

APPLES = [TestSku("apple-5", 3990, stock=20, list_price_fen=4990), TestSku("apple-10", 6990, stock=8)]
PEARS = [TestSku("pear", 1500, stock=5)]


@dataclass
class Trolley:
    """A shopper at their cart: calls, with the shopper's token."""

    call: Callable[..., Answer]
    member_id: int
    token: str
    skus: dict[str, int]

    def show(self) -> Any:
        answer = self.call("cart/cart", "GET", "/cart", token=self.token)
        assert answer.status == 200, answer.text
        return answer.json

    def clear(self, query: dict[str, str] | None = None) -> Answer:
        return self.call("cart/cart", "DELETE", "/cart", token=self.token, query=query)

    def add(self, sku: str | int, quantity: Any = 1, **extra: Any) -> Answer:
        body = {"sku_id": str(self.skus.get(str(sku), sku)), "quantity": quantity, **extra}
        return self.call("cart/cart_lines", "POST", "/cart/lines", token=self.token, body=body)

    def added(self, sku: str, quantity: int = 1) -> str:
        answer = self.add(sku, quantity)
        assert answer.status == 201, answer.text
        return str(answer.json["line_id"])

    def select(self, body: Any) -> Answer:
        return self.call("cart/cart_lines", "PATCH", "/cart/lines", token=self.token, body=body)

    def change(self, line_id: str, body: Any) -> Answer:
        return self.call("cart/cart_line", "PATCH", f"/cart/lines/{line_id}", token=self.token, body=body)

    def remove(self, line_id: str) -> Answer:
        return self.call("cart/cart_line", "DELETE", f"/cart/lines/{line_id}", token=self.token)
