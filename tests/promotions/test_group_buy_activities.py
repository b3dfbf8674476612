"""Defining activities, and what bars an order from them."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from orchard.core import clock
from orchard.group_buy.models import ActivityNotFound, ActivityStateConflict, InvalidActivity
from orchard.group_buy.service import activities
from tests.support.group_buys import PRICE_FEN, SELLING_FEN, GroupBuys, draft
from tests.support.shop import quote


def _reasons(group_buys: GroupBuys, token: str, *args: Any, **more: Any) -> list[str]:
    return [problem["reason"] for problem in quote(token, group_buys.body(*args, **more)).json["problems"]]


@pytest.mark.parametrize(
    "fields",
    [{"size": 1}, {"size": 51}, {"hours": 0}, {"per_order_limit": 5}, {"skus": []}, {"name": ""},
     {"ends_at": clock.utc_now() - timedelta(days=2)}],
)  # fmt: skip
def test_what_contradicts_itself_is_refused(group_buys: GroupBuys, fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        draft(group_buys.goods, **fields)


def test_skus_must_exist_and_not_be_dearer(group_buys: GroupBuys) -> None:
    db, sku_id = group_buys.till.db, str(group_buys.goods.sku_id)
    for sku in ({"sku_id": "12345", "price_fen": 1, "quota": 1},
                {"sku_id": sku_id, "price_fen": SELLING_FEN + 1, "quota": 1}):  # fmt: skip
        wanted = draft(group_buys.goods, skus=[sku])
        with pytest.raises(InvalidActivity):
            db.run(lambda tx, wanted=wanted: activities.define_activity(tx, wanted))  # type: ignore[misc]


def test_life_of_an_activity_goes_one_way(group_buys: GroupBuys) -> None:
    db, activity_id = group_buys.till.db, group_buys.offer()
    with pytest.raises(ActivityStateConflict):
        db.run(lambda tx: activities.publish_activity(tx, activity_id))
    db.run(lambda tx: activities.stop_activity(tx, activity_id))
    with pytest.raises(ActivityStateConflict):
        db.run(lambda tx: activities.change_activity(tx, activity_id, 3, draft(group_buys.goods)))
    with pytest.raises(ActivityNotFound):
        db.run(lambda tx: activities.stop_activity(tx, 12345))


def test_a_change_reaches_new_groups_only_and_never_below_what_is_taken(group_buys: GroupBuys) -> None:
    db, activity_id = group_buys.till.db, group_buys.offer()
    group_id, _ = group_buys.opened(activity_id)
    sku = {"sku_id": str(group_buys.goods.sku_id), "price_fen": 1400, "quota": 3}
    changed = db.run(lambda tx: activities.change_activity(tx, activity_id, 2, draft(group_buys.goods, size=5,
                                                                                      skus=[sku])))  # fmt: skip
    assert (changed.version, group_buys.group(group_id)["size"]) == (3, 2)
    new_group, _ = group_buys.opened(activity_id)
    assert group_buys.group(new_group)["size"] == 5
    other = group_buys.till.shop.sell()
    for skus in ([{**sku, "quota": 1}], [{"sku_id": str(other.sku_id), "price_fen": 1, "quota": 9}]):
        with pytest.raises(InvalidActivity):
            db.run(lambda tx, skus=skus: activities.change_activity(  # type: ignore[misc]
                tx, activity_id, 3, draft(group_buys.goods, skus=skus)))  # fmt: skip
    with pytest.raises(ActivityStateConflict):
        db.run(lambda tx: activities.change_activity(tx, activity_id, 2, draft(group_buys.goods)))


def test_quotes_say_what_bars_an_order(group_buys: GroupBuys) -> None:
    till, now = group_buys.till, clock.utc_now()
    me = till.buyer()
    later = group_buys.offer(starts_at=now + timedelta(hours=1))
    small = group_buys.offer(quota=1)
    stopped = group_buys.offer()
    group_id, _ = group_buys.opened(stopped)
    till.db.run(lambda tx: activities.stop_activity(tx, stopped))
    assert _reasons(group_buys, me.token, later) == ["group_buy_not_started"]
    assert _reasons(group_buys, me.token, small, quantity=2) == ["group_buy_sold_out"]
    assert _reasons(group_buys, me.token, stopped) == ["group_buy_ended"]
    # What was opened before may be filled.
    assert _reasons(group_buys, me.token, stopped, group_id) == []
    assert _reasons(group_buys, me.token, stopped, group_id, quantity=3) == ["group_buy_order_limit"]
    other = till.shop.sell()
    body = group_buys.body(small)
    body["lines"][0]["sku_id"] = str(other.sku_id)
    answer = quote(me.token, body)
    assert [problem["reason"] for problem in answer.json["problems"]] == ["group_buy_not_offered"]
    assert answer.json["discount_fen"] == 0
    placed = group_buys.place(me, stopped)
    assert (placed.status, placed.code) == (409, "order_not_placeable")


def test_one_live_group_and_a_share_of_units_per_member(group_buys: GroupBuys) -> None:
    till, activity_id = group_buys.till, group_buys.offer(per_member_limit=3)
    me = till.buyer()
    number = group_buys.order(me, activity_id, quantity=2)
    assert _reasons(group_buys, me.token, activity_id) == ["group_buy_in_a_group"]
    group_buys.pay(me, number)
    assert _reasons(group_buys, me.token, activity_id) == ["group_buy_in_a_group"]
    group_buys.paid(activity_id, group_buys.group_of(number))
    assert _reasons(group_buys, me.token, activity_id) == []
    assert _reasons(group_buys, me.token, activity_id, quantity=2) == ["group_buy_member_limit"]


def test_foreign_groups_and_missing_activities_are_not_found(group_buys: GroupBuys) -> None:
    me, activity_id, other = group_buys.till.buyer(), group_buys.offer(), group_buys.offer()
    group_id, _ = group_buys.opened(other)
    for body in (group_buys.body(12345), group_buys.body(activity_id, 12345), group_buys.body(activity_id, group_id)):
        assert quote(me.token, body).status == 404


def test_ordinary_stock_still_counts(group_buys: GroupBuys) -> None:
    scarce = group_buys.till.shop.sell(price_fen=SELLING_FEN, stock=0)
    sku = {"sku_id": str(scarce.sku_id), "price_fen": PRICE_FEN, "quota": 10}
    activity_id = group_buys.offer(skus=[sku])
    body = group_buys.body(activity_id)
    body["lines"][0]["sku_id"] = str(scarce.sku_id)
    answer = quote(group_buys.till.buyer().token, body)
    assert [problem["reason"] for problem in answer.json["problems"]] == ["out_of_stock"]
