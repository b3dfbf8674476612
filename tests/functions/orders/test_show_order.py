"""GET /orders/{order_number}."""

import pytest

from orchard.runtime.database import Connection
from tests.support.calls import Answer, call
from tests.support.shop import Shop, Shoppers, add_address, place, wish


def show(token: str | None, number: str) -> Answer:
    return call("orders/show_order", "GET", f"/orders/{number}", token=token)


def test_an_order_shows_its_lines_address_and_history(shop: Shop, shopper: Shoppers, db: Connection) -> None:
    goods, me = shop.sell(price_fen=700), shopper()
    body = wish(goods, 3, method="express", address_id=add_address(me.token))
    number = place(me.token, body, remark="少冰").json["order_number"]
    before = db.round_trips
    order = show(me.token, number).json
    assert db.round_trips - before == 2  # the session, and everything else
    assert (order["state"], order["remark"], order["payable_fen"]) == ("PENDING_PAY", "少冰", 2100)
    assert order["lines"][0]["sku_id"] == str(goods.sku_id)
    assert order["address"]["recipient"] == "王小明"
    assert [(step["from_state"], step["to_state"]) for step in order["history"]] == [(None, "PENDING_PAY")]
    assert order["trace"]


def test_the_address_is_not_readable_in_the_database(shop: Shop, shopper: Shoppers, db: Connection) -> None:
    me = shopper()
    place(me.token, wish(shop.sell(), method="express", address_id=add_address(me.token)))
    row = db.run(lambda tx: tx.row("SELECT * FROM orders"))
    assert row is not None
    assert "王小明".encode() not in row["address_sealed"]
    assert "13900001111" not in str(row)


def test_a_later_change_of_the_address_does_not_touch_the_order(shop: Shop, shopper: Shoppers) -> None:
    me = shopper()
    address = add_address(me.token)
    number = place(me.token, wish(shop.sell(), method="express", address_id=address)).json["order_number"]
    assert call("members/address", "DELETE", f"/addresses/{address}", token=me.token).status < 300
    assert show(me.token, number).json["address"]["recipient"] == "王小明"


def test_a_foreign_order_looks_like_a_missing_one(shop: Shop, shopper: Shoppers) -> None:
    me, other = shopper(), shopper()
    number = place(me.token, wish(shop.sell(), method="express", address_id=add_address(me.token))).json["order_number"]
    foreign, missing = show(other.token, number), show(other.token, "20260101AAAAAAAAAAAAAAAA")
    assert foreign.status == missing.status == 404
    assert {**foreign.json, "request_id": ""} == {**missing.json, "request_id": ""}
    assert show(None, number).status == 401


@pytest.mark.parametrize("number", ["x" * 40, "%27%20OR%201=1", "..%2F", "%F0%9F%8D%8E"])
def test_odd_numbers_are_refused_quietly(shopper: Shoppers, number: str) -> None:
    assert show(shopper().token, number).status in {404, 422}
