"""POST /orders."""

import random
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from orchard.orders.schemas.placing import OrderDraft
from orchard.orders.service import place as placing
from orchard.orders.service import transitions
from orchard.orders.service.place import OrderNotPlaceable, QuoteChanged
from orchard.runtime.database import Connection
from orchard.runtime.sessions import MemberSession
from tests.support import books
from tests.support.calls import call
from tests.support.shop import Goods, Shop, Shoppers, add_address, place, quote, wish


@pytest.fixture(autouse=True)
def _sound_books(db: Connection) -> Iterator[None]:
    yield
    books.assert_sound(db)


def test_an_order_reserves_stock_and_freezes_its_price(shop: Shop, shopper: Shoppers, db: Connection) -> None:
    goods, me = shop.sell(price_fen=1200, stock=5), shopper()
    shop.charge_freight(600)
    answer = place(me.token, wish(goods, 2, method="express", address_id=add_address(me.token)), remark="请放门口 🍎")
    assert answer.status == 201
    assert (answer.json["state"], answer.json["payable_fen"]) == ("PENDING_PAY", 3000)
    assert shop.available(goods) == 3
    topics = db.run(lambda tx: tx.rows("SELECT topic FROM outbox WHERE subject = %s", (answer.json["order_number"],)))
    assert [row["topic"] for row in topics] == ["order.placed"]


def test_placing_takes_five_round_trips_through_the_handler(shop: Shop, shopper: Shoppers, db: Connection) -> None:
    goods, me = shop.sell_many([{"price_fen": 100 * n, "stock": 9} for n in (1, 2, 3)]), shopper()
    body = {
        "lines": [{"sku_id": str(g.sku_id), "quantity": 1} for g in goods],
        "delivery": {"method": "express", "address_id": add_address(me.token)},
    }
    digest = quote(me.token, body).json["digest"]
    before = db.round_trips
    answer = call("orders/place_order", "POST", "/orders", token=me.token, body={**body, "quote_digest": digest})
    assert answer.status == 201
    # Session; idempotency row; one read packet; one write packet; answer with COMMIT.
    assert db.round_trips - before == 5


def test_the_same_key_gives_the_same_order_and_another_body_is_refused(shop: Shop, shopper: Shoppers) -> None:
    goods, me = shop.sell(stock=5), shopper()
    body = wish(goods, method="express", address_id=add_address(me.token))
    key = secrets.token_hex(16)
    first, again = place(me.token, body, key=key), place(me.token, body, key=key)
    assert (again.status, again.text) == (first.status, first.text)
    other = place(me.token, body, key=key, remark="another body")
    assert (other.status, other.code) == (409, "idempotency_key_reused")
    assert shop.available(goods) == 4


@pytest.mark.parametrize("key", [None, "short", "x" * 256, "has blank inside", "ctrl\x01ctrl"])
def test_a_missing_or_unfit_key_is_refused(shop: Shop, shopper: Shoppers, key: str | None) -> None:
    goods, me = shop.sell(stock=5), shopper()
    answer = place(me.token, wish(goods, method="express", address_id=add_address(me.token)), key=key)
    assert (answer.status, answer.code) == (422, "invalid_idempotency_key")
    assert shop.available(goods) == 5


def test_fifty_taps_with_one_key_make_one_order_even_of_the_last_unit(
    shop: Shop, shopper: Shoppers, db: Connection
) -> None:
    goods, me = shop.sell(stock=1), shopper()
    body = wish(goods, method="express", address_id=add_address(me.token))
    draft = OrderDraft.model_validate({**body, "quote_digest": quote(me.token, body).json["digest"]})
    answers = [place(me.token, body, key="tap-tap-tap")]
    answers += [call("orders/place_order", "POST", "/orders", token=me.token, key="tap-tap-tap",
                     body={**body, "quote_digest": draft.quote_digest}) for _ in range(49)]  # fmt: skip
    assert {(a.status, a.text) for a in answers} == {(201, answers[0].text)}
    assert shop.available(goods) == 0


def test_a_changed_price_is_refused_with_the_new_quote(shop: Shop, shopper: Shoppers) -> None:
    goods, me = shop.sell(price_fen=1000), shopper()
    body = wish(goods, method="express", address_id=add_address(me.token))
    digest = quote(me.token, body).json["digest"]
    shop.load([{**_record(goods, shop), "skus": [{**_sku(goods, shop), "price_fen": 1100}]}])
    answer = call("orders/place_order", "POST", "/orders", token=me.token, body={**body, "quote_digest": digest})
    assert (answer.status, answer.code) == (409, "quote_changed")
    assert answer.json["quote"]["payable_fen"] == 1100
    fresh = {**body, "quote_digest": answer.json["quote"]["digest"]}
    assert call("orders/place_order", "POST", "/orders", token=me.token, body=fresh).status == 201


def _record(goods: Goods, shop: Shop) -> dict[str, Any]:
    row = shop.db.run(lambda tx: tx.row("SELECT code FROM product WHERE id = %s", (goods.product_id,)))
    assert row is not None
    return {"type": "product", "code": row["code"], "name": goods.name, "category": "fruit",
            "pictures": ["https://img.example.com/new.jpg"]}  # fmt: skip


def _sku(goods: Goods, shop: Shop) -> dict[str, Any]:
    row = shop.db.run(lambda tx: tx.row("SELECT code FROM sku WHERE id = %s", (goods.sku_id,)))
    assert row is not None
    return {"code": row["code"], "weight_grams": 500}


def test_goods_gone_off_sale_after_the_quote_are_named(shop: Shop, shopper: Shoppers) -> None:
    goods, me = shop.sell(price_fen=1000), shopper()
    body = wish(goods, method="express", address_id=add_address(me.token))
    digest = quote(me.token, body).json["digest"]
    shop.load([{**_record(goods, shop), "on_sale": False, "skus": [{**_sku(goods, shop), "price_fen": 1000}]}])
    answer = call("orders/place_order", "POST", "/orders", token=me.token, body={**body, "quote_digest": digest})
    assert answer.status == 409
    assert [(p["reason"], p["sku_id"]) for p in answer.json["quote"]["problems"]] == [
        ("not_for_sale", str(goods.sku_id))
    ]


def test_more_than_there_is_cannot_be_placed(shop: Shop, shopper: Shoppers) -> None:
    goods, me = shop.sell(stock=1), shopper()
    answer = place(me.token, wish(goods, 2, method="express", address_id=add_address(me.token)))
    assert (answer.status, answer.code) == (409, "order_not_placeable")
    assert answer.json["quote"]["problems"][0]["available"] == 1
    assert shop.available(goods) == 1


def test_a_foreign_address_is_not_found_and_nothing_is_held(shop: Shop, shopper: Shoppers) -> None:
    goods, me, other = shop.sell(stock=3), shopper(), shopper()
    digest = quote(me.token, wish(goods, method="express", address_id=add_address(me.token))).json["digest"]
    body = {**wish(goods, method="express", address_id=add_address(other.token)), "quote_digest": digest}
    assert call("orders/place_order", "POST", "/orders", token=me.token, body=body).status == 404
    assert shop.available(goods) == 3


def test_an_order_that_costs_nothing_is_paid_at_once(shop: Shop, shopper: Shoppers, db: Connection) -> None:
    goods, me = shop.sell(price_fen=0, stock=3), shopper()
    answer = place(me.token, wish(goods, method="express", address_id=add_address(me.token)))
    assert (answer.status, answer.json["state"]) == (201, "TO_SHIP")
    assert shop.available(goods) == 2
    states = db.run(lambda tx: tx.rows("SELECT to_state FROM order_event ORDER BY version"))
    assert [row["to_state"] for row in states] == ["PENDING_PAY", "PAID", "TO_SHIP"]


def test_bought_lines_leave_the_cart_only_when_they_came_from_it(shop: Shop, shopper: Shoppers) -> None:
    goods, kept = shop.sell_many([{"price_fen": 100, "stock": 9}, {"price_fen": 100, "stock": 9}])
    me = shopper()
    for one in (goods, kept):
        line = {"sku_id": str(one.sku_id), "quantity": 1}
        assert call("cart/cart_lines", "POST", "/cart/lines", token=me.token, body=line).status in {200, 201}
    body = wish(goods, method="express", address_id=add_address(me.token))
    place(me.token, body)
    assert len(_cart(me.token)) == 2
    place(me.token, body, from_cart=True)
    assert _cart(me.token) == [str(kept.sku_id)]


def _cart(token: str) -> list[str]:
    return [line["sku_id"] for line in call("cart/cart", "GET", "/cart", token=token).json["lines"]]


def test_two_thousand_attempts_with_cancels_sell_exactly_the_stock(
    shop: Shop, shopper: Shoppers, db: Connection
) -> None:
    goods, me = shop.sell(stock=100), shopper()
    body = wish(goods, method="express", address_id=add_address(me.token))
    draft = OrderDraft.model_validate({**body, "quote_digest": quote(me.token, body).json["digest"]})
    member = MemberSession(me.member_id, 0)
    connections = [Connection() for _ in range(64)]

    def buyer(number: int) -> int:
        own, chance, kept = connections[number], random.Random(number), 0
        for _ in range(2000 // 64 + 1):
            number_placed = _try(own, member, draft)
            if number_placed is None:
                continue
            if chance.random() < 0.3:
                own.run(partial(_cancel, order_number=number_placed))
            else:
                kept += 1
        return kept

    with ThreadPoolExecutor(64) as pool:
        kept = sum(pool.map(buyer, range(64)))
    for connection in connections:
        connection.discard()
    assert kept == 100
    assert shop.available(goods) == 0


def _try(own: Connection, member: MemberSession, draft: OrderDraft) -> str | None:
    """The order's number, or None when the stock is gone; any other refusal is a failure."""
    try:
        return own.run(lambda tx: placing.place_order(tx, member, draft)).order_number
    except (QuoteChanged, OrderNotPlaceable):
        return None


def _cancel(tx: Any, order_number: str) -> None:
    order = transitions.locked_order(tx, order_number)
    assert order is not None
    transitions.close(tx, [order], "buyer", "member")


def test_carts_in_opposite_order_never_deadlock_for_good(shop: Shop, shopper: Shoppers) -> None:
    goods, me = shop.sell_many([{"price_fen": 100, "stock": 40} for _ in range(4)]), shopper()
    address = add_address(me.token)
    connections = [Connection() for _ in range(8)]

    def buyer(number: int) -> int:
        order = goods if number % 2 else goods[::-1]
        body = {"lines": [{"sku_id": str(g.sku_id), "quantity": 1} for g in order],
                "delivery": {"method": "express", "address_id": address}}  # fmt: skip
        draft = OrderDraft.model_validate({**body, "quote_digest": digests[number % 2]})
        done = 0
        for _ in range(5):
            connections[number].run(lambda tx: placing.place_order(tx, MemberSession(me.member_id, 0), draft))
            done += 1
        return done

    digests = [
        quote(me.token, {"lines": [{"sku_id": str(g.sku_id), "quantity": 1} for g in order],
                         "delivery": {"method": "express", "address_id": address}}).json["digest"]
        for order in (goods[::-1], goods)
    ]  # fmt: skip
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(buyer, range(8))) == 40
    for connection in connections:
        connection.discard()
    assert [shop.available(g) for g in goods] == [0, 0, 0, 0]


@pytest.mark.parametrize("field", ["payable_fen", "member_id", "openid", "state", "discount_fen", "user_id"])
def test_prices_owners_and_states_from_the_client_are_refused(shop: Shop, shopper: Shoppers, field: str) -> None:
    goods, me = shop.sell(stock=3), shopper()
    body = {**wish(goods, method="express", address_id=add_address(me.token)), field: 1, "quote_digest": "0" * 16}
    answer = call("orders/place_order", "POST", "/orders", token=me.token, body=body)
    assert answer.status == 422
    assert shop.available(goods) == 3
