"""POST /quotes."""

import pytest

from orchard.inventory import service as inventory
from orchard.runtime.database import Connection
from tests.support.shop import REMOTE_DISTRICT, Shop, Shoppers, add_address, quote, wish


def test_a_quote_adds_goods_and_freight_and_changes_nothing(shop: Shop, shopper: Shoppers) -> None:
    goods = shop.sell(price_fen=1999, stock=5, sku={"list_price_fen": 2599})
    shop.charge_freight(800)
    me = shopper()
    answer = quote(me.token, wish(goods, 2, method="express", address_id=add_address(me.token)))
    assert answer.status == 200
    line = answer.json["lines"][0]
    assert (line["gross_fen"], line["freight_fen"], line["payable_fen"]) == (3998, 800, 4798)
    assert line["unit_list_price_fen"] == 2599
    assert (answer.json["goods_fen"], answer.json["freight_fen"], answer.json["payable_fen"]) == (3998, 800, 4798)
    assert answer.json["problems"] == []
    assert sum(sum(entry["amounts_fen"]) for entry in answer.json["trace"]) == 4798
    assert shop.available(goods) == 5


def test_every_obstacle_is_named_at_once(shop: Shop, shopper: Shoppers) -> None:
    short, gone = shop.sell_many([{"price_fen": 100, "stock": 1}, {"price_fen": 100, "stock": 9, "on_sale": False}])
    me = shopper()
    body = {
        "lines": [{"sku_id": str(short.sku_id), "quantity": 2}, {"sku_id": str(gone.sku_id), "quantity": 1}],
        "delivery": {"method": "express"},
    }
    problems = quote(me.token, body).json["problems"]
    assert {(p["reason"], p["sku_id"]) for p in problems} == {
        ("out_of_stock", str(short.sku_id)), ("not_for_sale", str(gone.sku_id)), ("address_required", None),
    }  # fmt: skip


def test_an_unknown_sku_is_not_for_sale(shop: Shop, shopper: Shoppers) -> None:
    goods = shop.sell()
    me = shopper()
    body = wish(goods, method="express", address_id=add_address(me.token))
    body["lines"][0]["sku_id"] = "12345"
    answer = quote(me.token, body)
    assert answer.status == 200
    assert [p["reason"] for p in answer.json["problems"]] == ["not_for_sale"]


def test_a_region_that_is_not_served_blocks_its_lines(shop: Shop, shopper: Shoppers) -> None:
    goods = shop.sell()
    shop.charge_freight(800, excluded=(REMOTE_DISTRICT,))
    me = shopper()
    address = add_address(me.token, region_code=REMOTE_DISTRICT)
    answer = quote(me.token, wish(goods, method="express", address_id=address))
    assert [(p["reason"], p["sku_id"]) for p in answer.json["problems"]] == [("undeliverable", str(goods.sku_id))]


def test_pickup_is_free_and_local_delivery_has_the_stores_fee_and_minimum(shop: Shop, shopper: Shoppers) -> None:
    goods, store_id, me = shop.sell(price_fen=1500), shop.open_store(), shopper()
    shop.charge_freight(800)
    address = add_address(me.token)
    pickup = quote(me.token, wish(goods, method="pickup", store_id=str(store_id)))
    assert (pickup.json["freight_fen"], pickup.json["problems"]) == (0, [])
    below = quote(me.token, wish(goods, method="local", store_id=str(store_id), address_id=address))
    assert [p["reason"] for p in below.json["problems"]] == ["below_local_minimum"]
    enough = quote(me.token, wish(goods, 2, method="local", store_id=str(store_id), address_id=address))
    assert (enough.json["freight_fen"], enough.json["problems"]) == (500, [])


def test_local_delivery_ends_at_the_stores_radius(shop: Shop, shopper: Shoppers) -> None:
    goods, store_id, me = shop.sell(price_fen=5000), shop.open_store(), shopper()
    far = add_address(me.token, latitude=31.0, longitude=121.9)
    answer = quote(me.token, wish(goods, method="local", store_id=str(store_id), address_id=far))
    assert [p["reason"] for p in answer.json["problems"]] == ["store_unavailable"]


def test_a_closed_store_serves_nobody(shop: Shop, shopper: Shoppers) -> None:
    goods, me = shop.sell(), shopper()
    store_id = shop.open_store(is_open=False)
    answer = quote(me.token, wish(goods, method="pickup", store_id=str(store_id)))
    assert [p["reason"] for p in answer.json["problems"]] == ["store_unavailable"]


def test_goods_that_do_not_travel_so_are_named(shop: Shop, shopper: Shoppers) -> None:
    goods, me = shop.sell(delivery_methods=["pickup"]), shopper()
    answer = quote(me.token, wish(goods, method="express", address_id=add_address(me.token)))
    assert [p["reason"] for p in answer.json["problems"]] == ["method_unsupported"]


def test_a_foreign_address_looks_like_a_missing_one(shop: Shop, shopper: Shoppers) -> None:
    goods, me, other = shop.sell(), shopper(), shopper()
    foreign = quote(me.token, wish(goods, method="express", address_id=add_address(other.token)))
    missing = quote(me.token, wish(goods, method="express", address_id="999"))
    assert foreign.status == missing.status == 404
    assert {**foreign.json, "request_id": ""} == {**missing.json, "request_id": ""}


@pytest.mark.parametrize("quantity", [0, -1, 1.5, "1", True, None, 2**31, 2**63, 10**400, 1000])
def test_impossible_quantities_are_refused(shop: Shop, shopper: Shoppers, quantity: object) -> None:
    goods = shop.sell()
    body = wish(goods, method="express")
    body["lines"][0]["quantity"] = quantity
    assert quote(shopper().token, body).status == 422


@pytest.mark.parametrize(
    "change",
    [
        {"lines": []},
        {"payable_fen": 1},
        {"delivery": {"method": "teleport"}},
        {"delivery": {"method": "pickup"}},
        {"delivery": {"method": "express", "store_id": "1"}},
        {"delivery": {"method": "express", "freight_fen": 0}},
    ],
)
def test_prices_from_the_client_and_odd_deliveries_are_refused(
    shop: Shop, shopper: Shoppers, change: dict[str, object]
) -> None:
    goods = shop.sell()
    assert quote(shopper().token, {**wish(goods, method="express"), **change}).status == 422


def test_a_sku_on_two_lines_and_too_many_lines_are_refused(shop: Shop, shopper: Shoppers) -> None:
    goods, me = shop.sell(), shopper()
    line = {"sku_id": str(goods.sku_id), "quantity": 1}
    delivery = {"method": "express"}
    assert quote(me.token, {"lines": [line, line], "delivery": delivery}).status == 422
    many = [{"sku_id": str(number), "quantity": 1} for number in range(1, 102)]
    assert quote(me.token, {"lines": many, "delivery": delivery}).status == 422


def test_a_quote_is_one_query_once_the_freight_rules_are_known(shop: Shop, shopper: Shoppers, db: Connection) -> None:
    goods, me = shop.sell(), shopper()
    body = wish(goods, method="express", address_id=add_address(me.token))
    quote(me.token, body)
    before = db.round_trips
    quote(me.token, body)
    assert db.round_trips - before == 2  # the session, and everything else


def test_nobody_quotes_without_a_session(shop: Shop) -> None:
    assert quote("not-a-token", wish(shop.sell(), method="express")).status == 401


def test_a_line_is_served_whole_from_one_location(shop: Shop, shopper: Shoppers, db: Connection) -> None:
    goods, me = shop.sell(stock=3), shopper()
    db.run(lambda tx: inventory.set_opening(tx, [(goods.sku_id, 4)], location_id=2))
    body = wish(goods, 5, method="pickup", store_id=str(shop.open_store()))
    assert [p["reason"] for p in quote(me.token, body).json["problems"]] == ["out_of_stock"]
    body["lines"][0]["quantity"] = 4
    assert quote(me.token, body).json["problems"] == []
