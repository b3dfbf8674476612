"""Refusals that a walk hardly meets, each reached on purpose."""

import threading
from typing import Any

import pytest

from orchard.cart.models import MAX_LINES
from orchard.members import service as members
from orchard.members.models import MAX_ADDRESSES
from tests.campaigns.field import Field, Phone
from tests.campaigns.race import stage
from tests.campaigns.race.scene import Scene
from tests.campaigns.sometimes import heard
from tests.campaigns.walk.shopping import ADDRESS

_KEYED = {"content-type": "application/json", "idempotency-key": "a-key-of-one's-own"}


def test_what_a_cart_refuses(field: Field) -> None:
    phone: Any = field.shopper().phone
    shelf = field.shelf.sell_many([{"price_fen": 100, "stock": 2000}] * (MAX_LINES + 1))
    for goods in shelf[:-1]:
        phone.call("POST", "/cart/lines", {"sku_id": str(goods.sku_id), "quantity": 1})
    first, last = str(shelf[0].sku_id), str(shelf[-1].sku_id)
    phone.refused("cart_full", "POST", "/cart/lines", {"sku_id": last, "quantity": 1})
    phone.refused("too_many_of_one", "POST", "/cart/lines", {"sku_id": first, "quantity": 999})
    line = phone.call("GET", "/cart")["lines"][0]["line_id"]
    phone.refused("sku_of_other_product", "PATCH", f"/cart/lines/{line}", {"sku_id": last})
    hidden = field.shelf.sell(on_sale=False)
    phone.refused("sku_off_sale", "POST", "/cart/lines", {"sku_id": str(hidden.sku_id), "quantity": 1})
    scarce = field.shelf.sell(stock=1)
    phone.call("DELETE", "/cart")
    phone.refused("out_of_stock", "POST", "/cart/lines", {"sku_id": str(scarce.sku_id), "quantity": 2})


def test_what_lists_and_the_edge_refuse(field: Field) -> None:
    phone: Any = field.shopper().phone
    query = {"min_price_fen": 2, "max_price_fen": 1}
    phone.refused("price_range_reversed", "GET", "/products", query=query)
    phone.refused("invalid_idempotency_key", "POST", "/addresses", ADDRESS, key="short")
    phone.refused("payload_too_large", "POST", "/addresses", {**ADDRESS, "detail": "路" * 400_000})
    url = field.cloud.api_url + "/addresses"
    sent = {**_KEYED, "authorization": f"Bearer {phone.token}", "content-type": "text/plain"}
    answer = field.http().request("POST", url, body=b"x", headers=sent)
    heard("POST", "/addresses", answer.status, answer.json())
    assert answer.json()["code"] == "unsupported_media_type"


def test_what_members_are_refused(field: Field) -> None:
    one, other = (field.shopper(phone="13712345678") for _ in range(2))
    one.phone.call("POST", "/profile/phone", {"code": field.wechat.phone_code(one.openid)})
    phone: Any = other.phone
    phone.refused("phone_taken", "POST", "/profile/phone", {"code": field.wechat.phone_code(other.openid)})
    for _ in range(MAX_ADDRESSES):
        phone.call("POST", "/addresses", ADDRESS)
    phone.refused("too_many_addresses", "POST", "/addresses", ADDRESS)
    member_id = int(phone.call("GET", "/profile")["member_id"])
    field.db.run(lambda tx: members.freeze(tx, member_id))
    code = field.wechat.login_code(other.openid)
    field.nobody().refused("member_frozen", "POST", "/log-in", {"code": code})
    field.nobody().refused("unauthenticated", "GET", "/profile")


@pytest.mark.parametrize(
    ("fault", "value", "code"),
    [
        ("wechat_error", 40226, "high_risk_account"), ("wechat_error", 45011, "too_many_requests"),
        ("error_before", None, "unavailable"), ("wechat_error", 40013, "counterparty_refused"),
    ],
)  # fmt: skip
def test_what_wechat_makes_of_a_login(field: Field, fault: str, value: int | None, code: str) -> None:
    openid = str(field.wechat.create_shopper()["openid"])
    field.wechat.misbehave(fault, call="login", value=value, times=None)
    status, answer = field.nobody().attempt("POST", "/log-in", {"code": field.wechat.login_code(openid)})
    assert (status >= 400, answer["code"]) == (True, code)


_REFUSED = {"status": 400, "code": "PARAM_ERROR", "message": "参数错误"}
_UNSIGNED = {"status": 401, "code": "SIGN_ERROR", "message": "签名错误"}


@pytest.mark.parametrize(
    ("fault", "value", "code"),
    [
        ("pay_error", _REFUSED, "counterparty_refused"), ("pay_error", _UNSIGNED, "wechat_pay_setup_refused"),
        ("rate_limited", None, "wechat_pay_frequency_limited"), ("reset_after", None, "counterparty_unknown"),
    ],
)  # fmt: skip
def test_what_wechat_pay_makes_of_a_prepay(field: Field, fault: str, value: Any, code: str) -> None:
    shopper = field.shopper()
    number = shopper.order(field.shelf.sell())
    for call in ("prepay", "query"):
        field.wechat.misbehave(fault, call=call, value=value, times=None)
    status, answer = shopper.phone.attempt("POST", f"/orders/{number}/pay")
    assert (status >= 500, answer["code"]) == (True, code)


def test_two_sheets_at_once_wait_for_each_other(field: Field) -> None:
    shopper = field.shopper()
    number = shopper.order(field.shelf.sell())
    field.wechat.misbehave("stall", call="prepay", value=8)
    path = f"/orders/{number}/pay"
    slow = threading.Thread(target=lambda: Phone(field.cloud.api_url, shopper.phone.token).attempt("POST", path))
    slow.start()
    field.eventually(
        lambda: bool(
            field.rows(
                "SELECT c.id FROM payment_call c JOIN payment p ON p.id = c.payment_id WHERE p.order_number = %s",
                number,
            )
        )
    )
    phone: Any = shopper.phone
    phone.refused("payment_in_progress", "POST", path)
    slow.join()


def test_guesses_and_forgeries_are_refused(field: Field) -> None:
    scene = Scene(field)
    phone: Any = scene.shopper.phone
    for _ in range(10):
        phone.refused("coupon_code_refused", "POST", "/coupons/redemptions", {"code": "ABCD-EFGH-JKMN"})
    phone.refused("too_many_coupon_codes", "POST", "/coupons/redemptions", {"code": scene.code})
    platform, number = field.platform(), scene.number
    content = platform.payment(number, scene.shopper.openid, 1)
    assert field.post(platform.notice("transaction", content)) == 400
    assert field.post(platform.notice("transaction", content), **{"Wechatpay-Signature": "AAAA"}) == 401
    assert scene.shopper.state(number) == "PENDING_PAY"


def test_promotions_named_together_and_groups_that_are_over(field: Field) -> None:
    scene, friend = Scene(field), field.shopper()
    phone: Any = scene.shopper.phone
    both = {**scene.group_draft, "coupon_id": scene.coupon_id}
    phone.refused("campaigns_exclude", "POST", "/orders", both)
    second = {"sku_id": str(field.shelf.sell().sku_id), "quantity": 1}
    two = {**scene.group_draft, "lines": [*scene.group_draft["lines"], second]}
    phone.refused("campaign_one_line", "POST", "/orders", two)
    leader = phone.call("POST", "/orders", scene.group_draft)["order_number"]
    scene.shopper.pay(leader)
    field.wechat.deliver_notifications()
    choice = {"activity_id": str(scene.activity_id), "group_id": scene.group_id(leader)}
    wish = friend.wish((scene.goods, 1), method="pickup", store_id=scene.store_id) | {"group_buy": choice}
    joined = friend.phone.call("POST", "/orders", friend.agree(wish))["order_number"]
    stage.let_group_pass(field, choice["group_id"])
    field.fire("settle_group_buys")
    told: Any = friend.phone
    told.refused("group_seat_gone", "POST", f"/orders/{joined}/pay")
    late = field.shopper()
    status, answer = late.phone.attempt("POST", "/orders", late.agree(wish))
    assert (status, {problem["reason"] for problem in answer["quote"]["problems"]}) == (409, {"group_over"})
