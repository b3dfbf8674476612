"""GET /coupons/claimable."""

from datetime import timedelta

from orchard.core import clock
from orchard.runtime.database import Connection
from tests.support.coupons import Coupons, centre, claim
from tests.support.shop import Shoppers


def test_the_centre_says_why_not(coupons: Coupons, shopper: Shoppers) -> None:
    me = shopper()
    now = clock.utc_now()
    open_id = coupons.offer(name="可领", quota=3)
    taken = coupons.offer(name="已领")
    claim(me.token, taken)
    gone = coupons.offer(name="领完", quota=1)
    claim(shopper().token, gone)
    later = coupons.offer(name="未开始", claim_from=now + timedelta(hours=2))
    coupons.offer(name="兑换", channel="CODE")
    found = {int(coupon["template_id"]): coupon for coupon in centre(me.token).json["coupons"]}
    assert {template_id: coupon["reason"] for template_id, coupon in found.items()} == {
        open_id: None, taken: "limit_reached", gone: "sold_out", later: "not_started",
    }  # fmt: skip
    assert [coupon["claimable"] for coupon in found.values()] == [coupon["reason"] is None for coupon in found.values()]
    assert (found[open_id]["remaining"], found[gone]["remaining"], found[taken]["remaining"]) == (3, 0, None)
    assert found[taken]["owned"] == 1


def test_the_centre_takes_two_round_trips_however_much_is_on_offer(
    coupons: Coupons, shopper: Shoppers, db: Connection
) -> None:
    me = shopper()
    for _ in range(5):
        coupons.offer()
    before = db.round_trips
    assert len(centre(me.token).json["coupons"]) == 5
    assert db.round_trips - before == 2


def test_the_centre_asks_for_a_session() -> None:
    assert centre("nobody").status == 401
