"""A coupon from the quote to the refund: proposed, locked, used, released, given back."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from orchard.core import clock
from orchard.pricing import service as pricing
from orchard.runtime.database import Connection, Tx
from orchard.workflows.refund_settled import refund_order
from tests.support import books
from tests.support.calls import Answer, call
from tests.support.coupons import Coupons, mine
from tests.support.shop import Goods, Shop, Shoppers, add_address, place, quote, wish
from tests.support.till import Till


@pytest.fixture(autouse=True)
def _sound_books(db: Connection) -> Iterator[None]:
    yield
    books.assert_sound(db)


@pytest.fixture
def store(shop: Shop) -> str:
    return str(shop.open_store())


def _body(store: str, *goods: tuple[Goods, int], **more: Any) -> dict[str, Any]:
    lines = [{"sku_id": str(one.sku_id), "quantity": quantity} for one, quantity in goods]
    return {"lines": lines, "delivery": {"method": "pickup", "store_id": store}, **more}


def _reasons(answer: Answer) -> dict[str, tuple[str, int]]:
    return {one["coupon_id"]: (one["reason"], one["missing_fen"]) for one in answer.json["coupons"]["unusable"]}


def test_the_best_is_proposed_and_every_other_says_why_not(
    shop: Shop, store: str, shopper: Shoppers, coupons: Coupons
) -> None:
    me, goods = shopper(), shop.sell(price_fen=3000)
    five, twenty = coupons.give(me.token, amount_fen=500), coupons.give(me.token, kind="PERCENT", percent_off=20)
    capped = coupons.give(me.token, kind="PERCENT", percent_off=50, cap_fen=100)
    far = coupons.give(me.token, amount_fen=2000, threshold_fen=10_000)
    other = coupons.give(me.token, scope_kind="PRODUCTS", scope_ids=[str(shop.sell(price_fen=1).product_id)])
    now = clock.utc_now()
    later = coupons.give(
        me.token, valid_days=None, valid_from=now + timedelta(days=2), valid_until=now + timedelta(days=9)
    )
    broke = coupons.give(me.token, amount_fen=400, budget_fen=400)
    coupons.change("UPDATE coupon_template SET budget_fen = 399 WHERE budget_fen = 400")
    answer = quote(me.token, _body(store, (goods, 2)))
    choice = answer.json["coupons"]
    assert [(c["coupon_id"], c["saving_fen"]) for c in choice["usable"]] == [(twenty, 1200), (five, 500), (capped, 100)]
    assert (choice["best_coupon_id"], choice["applied_coupon_id"]) == (twenty, None)
    assert _reasons(answer) == {
        far: ("below_threshold", 4000), other: ("no_matching_goods", 0), later: ("not_started", 0),
        broke: ("budget_spent", 0),
    }  # fmt: skip
    # Proposed, not applied.
    assert (answer.json["discount_fen"], answer.json["payable_fen"]) == (0, 6000)


def test_a_named_coupon_is_on_every_line_and_in_the_trace(
    shop: Shop, store: str, shopper: Shoppers, coupons: Coupons
) -> None:
    me = shopper()
    goods = shop.sell_many(
        [{"price_fen": 333, "stock": 9}, {"price_fen": 333, "stock": 9}, {"price_fen": 334, "stock": 9}]
    )
    coupon_id = coupons.give(me.token, amount_fen=100)
    answer = quote(me.token, _body(store, *((one, 1) for one in goods), coupon_id=coupon_id))
    assert [line["discount_fen"] for line in answer.json["lines"]] == [33, 33, 34]
    assert answer.json["coupons"]["applied_coupon_id"] == coupon_id
    (entry,) = [entry for entry in answer.json["trace"] if entry["step"] == "coupon"]
    assert (entry["rule_id"], sum(entry["amounts_fen"])) == (f"coupon:{coupon_id}", -100)
    plain = quote(me.token, _body(store, *((one, 1) for one in goods)))
    assert plain.json["digest"] != answer.json["digest"]


def test_scope_goes_by_category_and_below_with_exclusions(
    shop: Shop, store: str, shopper: Shoppers, coupons: Coupons
) -> None:
    me = shopper()
    shop.load([
        {"type": "category", "code": "fresh", "name": "生鲜"},
        {"type": "category", "code": "citrus", "name": "柑橘", "parent": "fresh"},
    ])  # fmt: skip
    orange, lemon = shop.sell(category="citrus", price_fen=1000), shop.sell(category="citrus", price_fen=1000)
    apple = shop.sell(price_fen=1000)
    rows = coupons.db.run(lambda tx: tx.rows("SELECT code, id FROM category"))
    category = {row["code"]: str(row["id"]) for row in rows}
    coupon_id = coupons.give(
        me.token, scope_kind="CATEGORIES", scope_ids=[category["fresh"]],
        excluded_product_ids=[str(lemon.product_id)],
    )  # fmt: skip
    body = _body(store, (orange, 1), (lemon, 1), (apple, 1), coupon_id=coupon_id)
    assert [line["discount_fen"] for line in quote(me.token, body).json["lines"]] == [500, 0, 0]
    alone = quote(me.token, _body(store, (lemon, 1), coupon_id=coupon_id))
    assert _reasons(alone) == {coupon_id: ("no_matching_goods", 0)}
    nothing = coupons.give(me.token, excluded_category_ids=[category["fresh"], category["fruit"]])
    assert _reasons(quote(me.token, body))[nothing] == ("no_matching_goods", 0)


def test_a_coupon_that_costs_the_free_freight_saves_nothing(
    shop: Shop, shopper: Shoppers, coupons: Coupons, db: Connection
) -> None:
    me, goods = shopper(), shop.sell(price_fen=5000)
    shop.charge_freight(800)
    db.run(_free_from_fifty_yuan)
    small, large = coupons.give(me.token, amount_fen=300), coupons.give(me.token, amount_fen=2000)
    delivery = {"method": "express", "address_id": add_address(me.token)}
    answer = quote(me.token, wish(goods, 1, **delivery))
    assert answer.json["payable_fen"] == 5000
    assert [(c["coupon_id"], c["saving_fen"]) for c in answer.json["coupons"]["usable"]] == [(large, 1200)]
    assert _reasons(answer) == {small: ("no_saving", 0)}


def _free_from_fifty_yuan(tx: Tx) -> None:
    row = tx.row("SELECT default_template_id FROM freight_policy")
    assert row is not None
    pricing.set_freight_policy(tx, free_threshold_fen=5000, default_template_id=row["default_template_id"])


def test_placing_locks_the_coupon_in_the_same_five_round_trips(
    shop: Shop, store: str, shopper: Shoppers, coupons: Coupons, db: Connection
) -> None:
    me, goods = shopper(), shop.sell(price_fen=2000)
    template_id = coupons.offer(amount_fen=500, budget_fen=10_000)
    coupon_id = coupons.claimed(me.token, template_id)
    body = _body(store, (goods, 1), coupon_id=coupon_id)
    digest = quote(me.token, body).json["digest"]
    before = db.round_trips
    answer = call("orders/place_order", "POST", "/orders", token=me.token, body={**body, "quote_digest": digest})
    assert (answer.status, answer.json["payable_fen"]) == (201, 1500)
    assert db.round_trips - before == 5
    row = coupons.row(coupon_id)
    assert (row["state"], row["discount_fen"], row["eligible_fen"]) == ("LOCKED", 500, 2000)
    assert coupons.template(template_id)["budget_spent_fen"] == 500
    trace = db.run(lambda tx: tx.row("SELECT trace FROM orders WHERE id = %s", (row["order_id"],)))
    assert trace is not None
    assert any(entry["rule_id"] == f"coupon:{coupon_id}" for entry in json.loads(trace["trace"]))


def test_a_quote_reads_a_fixed_number_of_times(
    shop: Shop, store: str, shopper: Shoppers, coupons: Coupons, db: Connection
) -> None:
    me, goods = shopper(), shop.sell(price_fen=2000)
    trips = []
    for wanted in (0, 1, 12):
        for _ in range(wanted):
            coupons.give(me.token)
        before = db.round_trips
        assert quote(me.token, _body(store, (goods, 1))).status == 200
        trips.append(db.round_trips - before)
    assert trips == [2, 2, 2]


def test_paid_it_is_used_and_a_full_refund_gives_it_back_by_its_terms(till: Till, coupons: Coupons) -> None:
    buyer = till.buyer()
    goods = till.shop.sell(price_fen=2000)
    returning = coupons.give(buyer.token, amount_fen=500, budget_fen=5000)
    gone = coupons.give(buyer.token, amount_fen=300, returns_on_refund=False)
    store_id = str(till.shop.open_store())
    for coupon_id in (returning, gone):
        answer = place(buyer.token, _body(store_id, (goods, 1), coupon_id=coupon_id))
        number = answer.json["order_number"]
        till.take_money(buyer, number)
        till.sandbox.deliver_notifications()
        assert coupons.state(coupon_id) == "USED"
        _refund_all(till, number)
        assert till.state(number) == "REFUNDED"
    assert (coupons.state(returning), coupons.state(gone)) == ("AVAILABLE", "USED")
    row = coupons.row(returning)
    assert (row["order_id"], row["discount_fen"]) == (None, None)
    assert coupons.template(row["template_id"])["budget_spent_fen"] == 0
    # It can be used again.
    assert place(buyer.token, _body(store_id, (goods, 1), coupon_id=returning)).status == 201


def _refund_all(till: Till, number: str) -> None:
    refund_order(till.db, number, reason="七天无理由", key="case-1")
    till.send_refunds()
    till.sandbox.deliver_notifications()
    till.sweep()


def test_closing_releases_the_coupon_or_expires_it_past_its_end(till: Till, coupons: Coupons) -> None:
    buyer, goods = till.buyer(), till.shop.sell(price_fen=2000)
    store_id = str(till.shop.open_store())
    alive = coupons.give(buyer.token, budget_fen=600)
    ended = coupons.give(buyer.token)
    numbers = {
        coupon_id: place(buyer.token, _body(store_id, (goods, 1), coupon_id=coupon_id)).json["order_number"]
        for coupon_id in (alive, ended)
    }
    coupons.change("UPDATE coupon SET locked_at = UTC_TIMESTAMP(6) - INTERVAL 1 HOUR WHERE state = 'LOCKED'")
    coupons.end(ended)
    assert till.cancel(buyer, numbers[alive]).status == 200
    till.expire(numbers[ended])
    till.fire("orders/close_unpaid_orders")
    assert (coupons.state(alive), coupons.state(ended)) == ("AVAILABLE", "EXPIRED")
    assert coupons.template(coupons.row(alive)["template_id"])["budget_spent_fen"] == 0
    assert till.cancel(buyer, numbers[alive]).status in {200, 409}
    assert coupons.state(alive) == "AVAILABLE"


def test_an_order_that_costs_nothing_uses_its_coupon_at_once(
    shop: Shop, store: str, shopper: Shoppers, coupons: Coupons
) -> None:
    me, goods = shopper(), shop.sell(price_fen=400)
    coupon_id = coupons.give(me.token, amount_fen=500)
    answer = place(me.token, _body(store, (goods, 1), coupon_id=coupon_id))
    assert (answer.status, answer.json["state"], answer.json["payable_fen"]) == (201, "TO_SHIP", 0)
    # Its face value is more than the goods cost: what counts is what it took off.
    assert (coupons.state(coupon_id), coupons.row(coupon_id)["discount_fen"]) == ("USED", 400)


def test_foreign_and_missing_coupons_look_alike(shop: Shop, store: str, shopper: Shoppers, coupons: Coupons) -> None:
    me, other, goods = shopper(), shopper(), shop.sell(price_fen=2000)
    foreign = coupons.give(other.token)
    answers = [quote(me.token, _body(store, (goods, 1), coupon_id=coupon_id)) for coupon_id in (foreign, "12345")]
    digest = quote(me.token, _body(store, (goods, 1))).json["digest"]
    for coupon_id in (foreign, "12345"):
        body = _body(store, (goods, 1), coupon_id=coupon_id, quote_digest=digest)
        answers.append(call("orders/place_order", "POST", "/orders", token=me.token, body=body))
    assert {answer.status for answer in answers} == {404}
    assert len({json.dumps({**answer.json, "request_id": ""}) for answer in answers}) == 1
    assert coupons.state(foreign) == "AVAILABLE"


def test_what_cannot_be_used_cannot_be_placed_and_says_why(till: Till, coupons: Coupons) -> None:
    buyer, goods = till.buyer(), till.shop.sell(price_fen=2000)
    store_id = str(till.shop.open_store())
    used, ended = coupons.give(buyer.token), coupons.give(buyer.token)
    place(buyer.token, _body(store_id, (goods, 1), coupon_id=used))
    coupons.end(ended)
    for coupon_id, reason in ((used, "locked"), (ended, "ended")):
        body = _body(store_id, (goods, 1), coupon_id=coupon_id)
        found = quote(buyer.token, body)
        assert found.json["problems"] == [{"reason": "coupon_unusable", "sku_id": None, "available": None}]
        assert _reasons(found)[coupon_id][0] == reason
        assert (found.json["payable_fen"], found.json["coupons"]["applied_coupon_id"]) == (2000, None)
        placed = place(buyer.token, body)
        assert (placed.status, placed.code) == (409, "order_not_placeable")
    assert [coupon["coupon_id"] for coupon in mine(buyer.token, state="LOCKED").json["coupons"]] == [used]


def test_expiry_between_quote_and_order_is_decided_by_the_database(
    shop: Shop, store: str, shopper: Shoppers, coupons: Coupons
) -> None:
    me, goods = shopper(), shop.sell(price_fen=2000)
    coupon_id = coupons.give(me.token)
    body = _body(store, (goods, 1), coupon_id=coupon_id)
    digest = quote(me.token, body).json["digest"]
    coupons.end(coupon_id)
    # The shopper's clock and this process's clock say what they like.
    with clock.shifted(-3 * 86_400):
        answer = call("orders/place_order", "POST", "/orders", token=me.token, body={**body, "quote_digest": digest})
    assert (answer.status, answer.code) == (409, "quote_changed")
    assert coupons.state(coupon_id) == "AVAILABLE"
    assert shop.available(goods) == 100
