"""Steps that make orders, and the refusals around them."""

import secrets
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.campaigns.walk.base import Walk, picks
from tests.campaigns.walk.model import Coupon, Member, Order, Product


class Ordering(Walk):
    """Quote and place, with and without a coupon; the same key again; what must be refused."""

    @rule(pick=picks, what=picks, quantity=st.integers(1, 3), with_coupon=st.booleans(), from_cart=st.booleans())
    def place(self, pick: int, what: int, quantity: int, with_coupon: bool, from_cart: bool) -> None:
        """An order comes about exactly when there is enough of it and the coupon fits."""
        member, product = self.member(pick), self.product(what)
        coupon = self._coupon(member) if with_coupon else None
        wish = self.pickup(product, quantity) | ({"coupon_id": coupon.coupon_id} if coupon else {})
        quote = member.phone.call("POST", "/quotes", wish)
        gross = product.price_fen * quantity
        fits = coupon is None or (coupon.state == "AVAILABLE" and not coupon.ended and gross >= coupon.threshold_fen)
        expected = gross - (min(coupon.amount_fen, gross) if coupon and fits else 0)
        assert quote["payable_fen"] == expected, (quote, expected)
        body = {**wish, "quote_digest": quote["digest"], "from_cart": from_cart}
        if self.world.free(product)[1] < quantity or not fits:
            member.phone.refused("order_not_placeable", "POST", "/orders", body)
        elif self.world.free(product)[0] >= quantity:
            order = self.placed(member, body, product, quantity)
            assert order.payable_fen == expected
            if coupon:
                order.coupon, coupon.state = coupon, "LOCKED"
            if from_cart:
                member.cart.pop(product.goods.sku_id, None)
        self.compare_stock()

    def placed(self, member: Member, body: dict[str, Any], product: Product, quantity: int) -> Order:
        """Place, and remember the order."""
        key = secrets.token_hex(16)
        answer = member.phone.call("POST", "/orders", body, key=key)
        units = {product.goods.sku_id: quantity}
        order = Order(answer["order_number"], member, units, answer["payable_fen"], key, body, answer["state"])
        self.world.orders.append(order)
        return order

    def _coupon(self, member: Member) -> Coupon | None:
        return next((coupon for coupon in self.world.coupons if coupon.owner is member), None)

    @precondition(lambda self: self.world.orders)
    @rule(pick=picks)
    def repeat_placing(self, pick: int) -> None:
        """The same key with the same body is the same order; with another body it is refused."""
        order = self.order(pick)
        again = order.owner.phone.call("POST", "/orders", order.body, key=order.key)
        assert again["order_number"] == order.number
        other = {**order.body, "remark": "另一个"}
        order.owner.phone.refused("idempotency_key_reused", "POST", "/orders", other, key=order.key)
        self.compare_stock()

    @rule(pick=picks, what=picks)
    def place_at_a_stale_price(self, pick: int, what: int) -> None:
        """A digest of other prices is shown the new ones."""
        member, product = self.member(pick), self.product(what)
        body = {**self.pickup(product, 1), "quote_digest": "0" * 32}
        problem = member.phone.refused("quote_changed", "POST", "/orders", body)
        assert problem["quote"]["goods_fen"] == product.price_fen
        self.compare_stock()

    @rule(pick=picks, nonsense=st.sampled_from(["payable_fen", "member_id", "price_fen", "discount_fen"]))
    def place_nonsense(self, pick: int, nonsense: str) -> None:
        """A price or an owner of the client's own is refused; so are an empty order and somebody else's address."""
        member, product = self.member(pick), self.product(pick)
        body = {**self.pickup(product, 1), "quote_digest": "0" * 32}
        member.phone.refused("invalid_input", "POST", "/orders", {**body, nonsense: 1})
        member.phone.refused("invalid_input", "POST", "/orders", {**body, "lines": []})
        foreign = {"method": "express", "address_id": self.stranger(member).shopper.address()}
        member.phone.refused("not_found", "POST", "/quotes", {**self.pickup(product, 1), "delivery": foreign})
        self.compare_stock()

    @precondition(lambda self: self.world.orders)
    @rule(pick=picks)
    def meddle(self, pick: int) -> None:
        """Somebody else's order does not exist, whatever is tried with it."""
        order = self.order(pick)
        stranger = self.stranger(order.owner).phone
        stranger.refused("not_found", "GET", f"/orders/{order.number}")
        for verb in ("pay", "cancel", "confirm-payment"):
            stranger.refused("not_found", "POST", f"/orders/{order.number}/{verb}")
        self.compare(order)

    @precondition(lambda self: self.world.orders)
    @rule(pick=picks)
    def list_orders(self, pick: int) -> None:
        """The list and the page agree, and hold the member's own orders only."""
        member = self.order(pick).owner
        told = {}
        query: dict[str, Any] = {"limit": 50}
        page = member.phone.call("GET", "/orders", query=query)
        told = {order["order_number"]: order["state"] for order in page["orders"]}
        mine = {order.number for order in self.world.orders if order.owner is member}
        assert set(told) == mine
