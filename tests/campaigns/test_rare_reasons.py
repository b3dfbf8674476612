"""Every reason that a quote, a cart or the coupon centre gives for what cannot be bought, used or claimed."""

from datetime import timedelta
from typing import Any

from orchard.core import clock
from tests.campaigns.field import Field
from tests.campaigns.race import stage
from tests.campaigns.walk.shopping import ADDRESS
from tests.support.scenario import Shopper
from tests.support.shop import REMOTE_DISTRICT, Goods


def _quote(shopper: Shopper, goods: Goods, quantity: int = 1, **more: Any) -> set[str]:
    """The reasons why it cannot be bought like this."""
    delivery = more.pop("delivery", None) or {"method": "express", "address_id": shopper.address()}
    wish = {"lines": [{"sku_id": str(goods.sku_id), "quantity": quantity}], "delivery": delivery, **more}
    return {problem["reason"] for problem in shopper.phone.call("POST", "/quotes", wish)["problems"]}


def test_goods_and_ways_that_do_not_fit(field: Field) -> None:
    shopper, goods = field.shopper(), field.shelf.sell(price_fen=500, stock=2)
    store_id = str(field.shelf.open_store(supports_pickup=False))
    pickup = {"method": "pickup", "store_id": store_id}
    assert _quote(shopper, goods, delivery=pickup) == {"store_unavailable"}
    assert _quote(shopper, goods, 3) == {"out_of_stock"}
    assert _quote(shopper, goods, delivery={"method": "express"}) == {"address_required"}
    local = {"method": "local", "store_id": str(field.shelf.open_store()), "address_id": shopper.address()}
    assert _quote(shopper, goods, delivery=local) == {"below_local_minimum"}
    assert _quote(shopper, field.shelf.sell(on_sale=False)) == {"not_for_sale"}
    only = field.shelf.sell(delivery_methods=["pickup"])
    assert _quote(shopper, only) == {"method_unsupported"}


def test_places_that_are_not_served(field: Field) -> None:
    field.shelf.charge_freight(0, excluded=(REMOTE_DISTRICT,))
    shopper = field.shopper()
    far = {**ADDRESS, "region_code": REMOTE_DISTRICT, "province": "西藏自治区", "city": "拉萨市", "district": "城关区"}
    address_id = shopper.phone.call("POST", "/addresses", far)["address_id"]
    delivery = {"method": "express", "address_id": address_id}
    assert _quote(shopper, field.shelf.sell(), delivery=delivery) == {"undeliverable"}


def test_lines_of_a_cart_that_cannot_be_bought(field: Field) -> None:
    shopper = field.shopper()
    shelf = field.shelf.sell_many([{"price_fen": 100, "stock": 5}] * 4)
    for goods in shelf:
        shopper.phone.call("POST", "/cart/lines", {"sku_id": str(goods.sku_id), "quantity": 4})
    hidden, emptied, short, gone = shelf
    field.change("UPDATE sku SET on_sale = 0 WHERE id = %s", hidden.sku_id)
    friend = field.shopper()
    friend.order(emptied, 5)
    friend.order(short, 3)
    # Nothing deletes a SKU yet; a catalogue that was restored from before it may lack one.
    field.change("UPDATE cart_line SET sku_id = 1 WHERE sku_id = %s", gone.sku_id)
    told = {line["reason"] for line in shopper.phone.call("GET", "/cart")["invalid_lines"]}
    assert told == {"off_sale", "out_of_stock", "too_many", "deleted"}
    shopper.phone.call("DELETE", "/cart", query={"lines": "invalid"})
    assert shopper.phone.call("GET", "/cart")["line_count"] == 0


def _unusable(shopper: Shopper, goods: Goods, **delivery: Any) -> dict[str, str]:
    wish = shopper.wish((goods, 1), **delivery)
    coupons = shopper.phone.call("POST", "/quotes", wish)["coupons"]
    return {coupon["coupon_id"]: coupon["reason"] for coupon in coupons["unusable"]}


def _named(shopper: Shopper, goods: Goods, coupon_id: str) -> str:
    """Why a coupon that the quote names cannot be used."""
    wish = {**shopper.wish((goods, 1)), "coupon_id": coupon_id}
    quote = shopper.phone.call("POST", "/quotes", wish)
    assert {problem["reason"] for problem in quote["problems"]} == {"coupon_unusable"}
    return {coupon["coupon_id"]: str(coupon["reason"]) for coupon in quote["coupons"]["unusable"]}[coupon_id]


def _claimed(field: Field, shopper: Shopper, **fields: Any) -> str:
    body = {"template_id": str(field.coupons.offer(**fields))}
    return str(shopper.phone.call("POST", "/coupons/claims", body)["coupon_id"])


def test_coupons_that_cannot_be_used(field: Field) -> None:
    shopper, goods, other = field.shopper(), field.shelf.sell(price_fen=2100, stock=9), field.shelf.sell()
    now = clock.utc_now()
    later = {"valid_days": None, "valid_from": now + timedelta(hours=2), "valid_until": now + timedelta(days=9)}
    budget_id = field.coupons.offer(amount_fen=500, budget_fen=500)
    budget = str(shopper.phone.call("POST", "/coupons/claims", {"template_id": str(budget_id)})["coupon_id"])
    field.change("UPDATE coupon_template SET budget_fen = 499 WHERE id = %s", budget_id)
    coupons = {
        "below_threshold": _claimed(field, shopper, threshold_fen=9000),
        "no_matching_goods": _claimed(field, shopper, scope_kind="PRODUCTS", scope_ids=[str(other.product_id)]),
        "not_started": _claimed(field, shopper, **later),
        "ended": _claimed(field, shopper),
        "locked": _claimed(field, shopper),
        "budget_spent": budget,
    }
    field.coupons.end(coupons["ended"])
    wish = {**shopper.wish((goods, 1)), "coupon_id": coupons["locked"]}
    shopper.phone.call("POST", "/orders", shopper.agree(wish))
    assert {reason: _named(shopper, goods, coupon_id) for reason, coupon_id in coupons.items()} == {
        name: name for name in coupons
    }
    assert _named(shopper, field.shelf.sell(price_fen=0), _claimed(field, shopper)) == "no_saving"
    field.change("UPDATE coupon_template SET budget_fen = 500 WHERE id = %s", budget_id)
    local = {"method": "local", "store_id": str(field.shelf.open_store()), "address_id": shopper.address()}
    saving = _claimed(field, shopper, amount_fen=200)
    assert _unusable(shopper, goods, **local)[saving] == "below_local_minimum"


def test_coupons_that_cannot_be_claimed(field: Field) -> None:
    shopper, now = field.shopper(), clock.utc_now()
    stage.paid_order(field, shopper, field.shelf.sell())
    soon = {"claim_from": now + timedelta(hours=1), "claim_until": now + timedelta(hours=5)}
    offers = {
        "not_started": field.coupons.offer(**soon),
        "sold_out": field.coupons.offer(quota=1),
        "limit_reached": field.coupons.offer(),
        "newcomers_only": field.coupons.offer(audience="NEWCOMERS"),
    }
    field.shopper().phone.call("POST", "/coupons/claims", {"template_id": str(offers["sold_out"])})
    shopper.phone.call("POST", "/coupons/claims", {"template_id": str(offers["limit_reached"])})
    # The centre shows the hundred that end first; these are to be among them.
    for template_id in offers.values():
        field.change(
            "UPDATE coupon_template SET claim_until = UTC_TIMESTAMP(6) + INTERVAL 2 HOUR WHERE id = %s", template_id
        )
    centre = shopper.phone.call("GET", "/coupons/claimable")["coupons"]
    told = {int(coupon["template_id"]): coupon["reason"] for coupon in centre}
    assert {reason: told[template_id] for reason, template_id in offers.items()} == {name: name for name in offers}


def test_group_buys_that_cannot_be_joined(field: Field) -> None:
    leader, friend, third = field.shopper(), field.shopper(), field.shopper()
    goods, other, now = field.shelf.sell(stock=50), field.shelf.sell(), clock.utc_now()
    soon: dict[str, Any] = {"starts_at": now + timedelta(hours=1)}
    activity_id = stage.offer_activity(field, goods, quota=3, per_member_limit=2)

    def why(shopper: Shopper, activity: int, wanted: Goods = goods, quantity: int = 1, group: str = "") -> set[str]:
        choice = {"activity_id": str(activity), **({"group_id": group} if group else {})}
        return _quote(shopper, wanted, quantity, group_buy=choice)

    assert why(leader, stage.offer_activity(field, goods, **soon)) == {"group_buy_not_started"}
    assert why(leader, activity_id, other) == {"group_buy_not_offered"}
    assert why(leader, activity_id, quantity=3) >= {"group_buy_order_limit"}
    number, group_id = stage.lead_group(field, leader, goods, activity_id)
    assert why(leader, activity_id) >= {"group_buy_in_a_group"}
    joined = stage.seat(friend, goods, activity_id, group_id)
    assert why(third, activity_id, group=group_id) == {"group_full"}
    friend.pay(joined)
    field.wechat.deliver_notifications()
    assert why(leader, activity_id, quantity=2) >= {"group_buy_member_limit"}
    assert why(third, activity_id, quantity=2) >= {"group_buy_sold_out"}
    field.change("UPDATE group_buy_activity SET ends_at = UTC_TIMESTAMP(6) WHERE id = %s", activity_id)
    assert "group_buy_ended" in why(third, activity_id)
    assert leader.state(number) == "TO_SHIP"
