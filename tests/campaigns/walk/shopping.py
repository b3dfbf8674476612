"""Steps before an order: sessions, profile, addresses, looking around, the cart."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.campaigns.walk.base import Walk, picks
from tests.campaigns.walk.model import Member, Product
from tests.support.shop import SHANGHAI_DISTRICT

ADDRESS = {
    "recipient": "王小明", "phone": "13900001111", "region_code": SHANGHAI_DISTRICT, "province": "上海市",
    "city": "上海市", "district": "浦东新区", "detail": "世纪大道 100 号",
}  # fmt: skip
_LOOKS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("/categories", {}), ("/brands", {}), ("/stores", {}), ("/products", {"sort": "price_asc", "limit": 5}),
    ("/products", {"in_stock": "true", "sort": "sales"}), ("/products/search", {"q": "果品"}),
    ("/products/suggestions", {"q": "果"}), ("/coupons/claimable", {}), ("/group-buys", {}),
)  # fmt: skip


class Shopping(Walk):
    """Everything that holds nothing scarce."""

    @rule(pick=picks, look=st.sampled_from(_LOOKS))
    def look_around(self, pick: int, look: tuple[str, dict[str, Any]]) -> None:
        """Lists answer, whoever asks."""
        path, query = look
        self.member(pick).phone.call("GET", path, query=query)

    @rule(pick=picks)
    def see_product(self, pick: int) -> None:
        """A product's page tells what is free."""
        product = self.product(pick)
        page = self.field.nobody().call("GET", f"/products/{product.goods.product_id}")
        fewest, most = self.world.free(product)
        assert fewest <= page["skus"][0]["available"] <= most
        assert page["skus"][0]["price_fen"] == product.price_fen

    @rule(pick=picks, everywhere=st.booleans())
    def log_out_and_in(self, pick: int, everywhere: bool) -> None:
        """An ended session is worth nothing; a used code neither."""
        member = self.member(pick)
        before = member.phone.token
        member.phone.call("POST", "/log-out", {"everywhere": everywhere})
        self.field.nobody(before).refused("unauthenticated", "GET", "/cart")
        code = self.field.wechat.login_code(member.shopper.openid)
        member.phone.token = None
        member.phone.log_in(code)
        self.field.nobody().refused("invalid_login_code", "POST", "/log-in", {"code": code})

    @rule(pick=picks)
    def bind_phone(self, pick: int) -> None:
        """The phone that WeChat has verified; a code serves once."""
        member = self.member(pick)
        code = self.field.wechat.phone_code(member.shopper.openid)
        assert member.phone.call("POST", "/profile/phone", {"code": code})["phone"]
        member.phone.refused("invalid_phone_code", "POST", "/profile/phone", {"code": code})

    @rule(pick=picks, name=st.text("果味小明ab 🍎", max_size=8))
    def change_profile(self, pick: int, name: str) -> None:
        """What was said last is what stands there."""
        member = self.member(pick)
        member.nickname = member.phone.call("PATCH", "/profile", {"nickname": name})["nickname"]
        assert member.nickname == name.strip()
        member.phone.refused("invalid_input", "PATCH", "/profile", {"nickname": name, "member_id": "1"})
        assert member.phone.call("GET", "/profile")["nickname"] == member.nickname

    @rule(pick=picks)
    def keep_address(self, pick: int) -> None:
        """A new address is the owner's alone."""
        member = self.member(pick)
        address_id = str(member.phone.call("POST", "/addresses", ADDRESS)["address_id"])
        member.addresses.add(address_id)
        self.stranger(member).phone.refused("not_found", "GET", f"/addresses/{address_id}")
        self.stranger(member).phone.refused("not_found", "DELETE", f"/addresses/{address_id}")
        kept = {address["address_id"] for address in member.phone.call("GET", "/addresses")["addresses"]}
        assert member.addresses <= kept

    @rule(pick=picks, drop=st.booleans())
    def change_address(self, pick: int, drop: bool) -> None:
        """Replace an address, or delete it."""
        member = self.member(pick)
        if not member.addresses:
            return
        path = f"/addresses/{min(member.addresses)}"
        changed = member.phone.call("PUT", path, {**ADDRESS, "detail": "滨江大道 1 号"})
        assert changed["detail"] == "滨江大道 1 号"
        if drop:
            member.phone.call("DELETE", path)
            member.addresses.discard(min(member.addresses))
            member.phone.refused("not_found", "GET", path)

    @rule(pick=picks, what=picks, quantity=st.integers(1, 5))
    def add_to_cart(self, pick: int, what: int, quantity: int) -> None:
        """The same SKU again adds up, to what is there."""
        member, product = self.member(pick), self.product(what)
        sku_id = product.goods.sku_id
        total = member.cart.get(sku_id, 0) + quantity
        answer = member.phone.attempt("POST", "/cart/lines", {"sku_id": str(sku_id), "quantity": quantity})
        self._put(member, product, total, answer)
        self._compare_cart(pick)

    def _put(self, member: Member, product: Product, total: int, answer: tuple[int, Any]) -> None:
        """A line holds so many units now, unless that is more than there are."""
        fewest, most = self.world.free(product)
        if answer[0] < 400:
            assert total <= most
            member.cart[product.goods.sku_id] = total
        else:
            assert answer[1]["code"] == "out_of_stock"
            assert total > fewest

    @rule(pick=picks, quantity=st.sampled_from([0, -1, 1.5, "1", True, None, 2**63, 1000]))
    def add_nonsense(self, pick: int, quantity: object) -> None:
        """A quantity that is none changes nothing."""
        body = {"sku_id": str(self.product(pick).goods.sku_id), "quantity": quantity}
        self.member(pick).phone.refused("invalid_input", "POST", "/cart/lines", body)
        self._compare_cart(pick)

    @rule(pick=picks, quantity=st.integers(1, 9), selected=st.booleans())
    def change_line(self, pick: int, quantity: int, selected: bool) -> None:
        """One line of one's own, never another's."""
        member = self.member(pick)
        line = self._line(pick)
        if line is None:
            return
        path = f"/cart/lines/{line['line_id']}"
        self.stranger(member).phone.refused("not_found", "PATCH", path, {"quantity": 1})
        product = next(one for one in self.world.products if str(one.goods.sku_id) == line["sku_id"])
        self._put(member, product, quantity, member.phone.attempt("PATCH", path, {"quantity": quantity}))
        member.phone.call("PATCH", "/cart/lines", {"line_ids": [line["line_id"]], "selected": selected})
        self._compare_cart(pick)

    @rule(pick=picks, everything=st.booleans())
    def take_out(self, pick: int, everything: bool) -> None:
        """A line, or all of them."""
        member, line = self.member(pick), self._line(pick)
        if everything:
            member.phone.call("DELETE", "/cart")
            member.cart.clear()
        elif line:
            member.phone.call("DELETE", f"/cart/lines/{line['line_id']}")
            del member.cart[int(line["sku_id"])]
        self._compare_cart(pick)

    def _line(self, pick: int) -> dict[str, str] | None:
        cart = self.member(pick).phone.call("GET", "/cart")
        lines: list[dict[str, str]] = cart["lines"] + cart["invalid_lines"]
        return lines[pick % len(lines)] if lines else None

    def _compare_cart(self, pick: int) -> None:
        member = self.member(pick)
        cart = member.phone.call("GET", "/cart")
        lines = cart["lines"] + cart["invalid_lines"]
        assert {int(line["sku_id"]): line["quantity"] for line in lines} == member.cart
