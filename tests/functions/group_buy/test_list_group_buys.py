"""GET /group-buys."""

from datetime import timedelta

from orchard.core import clock
from orchard.group_buy.service import activities
from tests.support.calls import call
from tests.support.group_buys import PRICE_FEN, SELLING_FEN, GroupBuys, draft


def test_what_is_published_and_not_over_is_shown_with_prices_and_what_is_left(group_buys: GroupBuys) -> None:
    db, now = group_buys.till.db, clock.utc_now()
    runs = group_buys.offer(quota=7, ends_at=now + timedelta(days=1))
    later = group_buys.offer(starts_at=now + timedelta(days=2), ends_at=now + timedelta(days=3))
    group_buys.offer(starts_at=now - timedelta(days=3), ends_at=now - timedelta(days=2))
    db.run(lambda tx: activities.define_activity(tx, draft(group_buys.goods)))
    stopped = group_buys.offer()
    db.run(lambda tx: activities.stop_activity(tx, stopped))
    group_buys.order(group_buys.till.buyer(), runs, quantity=2)
    answer = call("group_buy/list_group_buys", "GET", "/group-buys")
    assert answer.status == 200
    assert [(one["activity_id"], one["started"]) for one in answer.json["activities"]] == [
        (str(runs), True),
        (str(later), False),
    ]
    (sku,) = answer.json["activities"][0]["skus"]
    assert (sku["price_fen"], sku["selling_price_fen"], sku["left"]) == (PRICE_FEN, SELLING_FEN, 5)
    assert sku["product_name"] == group_buys.goods.name


def test_a_shop_without_activities_answers_with_none(group_buys: GroupBuys) -> None:
    assert call("group_buy/list_group_buys", "GET", "/group-buys").json == {"activities": []}
