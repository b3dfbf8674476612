"""The hourly sweep of coupons."""

import json

from orchard.coupons.service import ending
from orchard.runtime.database import Connection
from tests.support.calls import invoke
from tests.support.coupons import Coupons
from tests.support.shop import Shoppers


def _sweep() -> dict[str, int]:
    counts: dict[str, int] = invoke("coupons/expire_coupons", {})
    return counts


def test_what_ended_expires_once_and_nothing_else(coupons: Coupons, shopper: Shoppers) -> None:
    me = shopper()
    ended, alive = coupons.give(me.token), coupons.give(me.token)
    coupons.end(ended)
    assert _sweep()["expired"] == 1
    assert (coupons.state(ended), coupons.state(alive)) == ("EXPIRED", "AVAILABLE")
    assert _sweep() == {"expired": 0, "reminded": 0}


def test_owners_are_reminded_once_a_day_before(coupons: Coupons, shopper: Shoppers, db: Connection) -> None:
    me = shopper()
    soon, later, short = coupons.give(me.token), coupons.give(me.token), coupons.give(me.token, valid_days=1)
    coupons.change("UPDATE coupon SET ends_at = UTC_TIMESTAMP(6) + INTERVAL 20 HOUR, remind_at = UTC_TIMESTAMP(6)"
                   " - INTERVAL 4 HOUR WHERE id = %s", soon)  # fmt: skip
    assert _sweep()["reminded"] == 1
    assert _sweep()["reminded"] == 0
    events = db.run(lambda tx: tx.rows("SELECT payload FROM outbox WHERE topic = 'coupon.ending'"))
    (payload,) = [json.loads(event["payload"]) for event in events]
    assert (payload["coupon_id"], payload["member_id"]) == (soon, str(me.member_id))
    assert coupons.row(later)["remind_at"] is not None
    # It lives for a day only: its owner has not had time to forget it.
    assert coupons.row(short)["remind_at"] is None


def test_more_than_a_batch_is_swept_whole(coupons: Coupons, shopper: Shoppers) -> None:
    count = ending.BATCH + 5
    template_id = coupons.offer(per_member_limit=100)
    for _ in range(3):
        me = shopper()
        for _ in range(100):
            coupons.claimed(me.token, template_id)
    coupons.change("UPDATE coupon SET starts_at = UTC_TIMESTAMP(6) - INTERVAL 2 HOUR,"
                   " ends_at = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND ORDER BY id LIMIT %s", count)  # fmt: skip
    assert _sweep()["expired"] == count
