"""What changed between a campaign's read and its claim: the claim decides again, by the database's clock and rows."""

import pytest

from orchard.core.errors import AppError
from orchard.coupons.models import CouponNotClaimable, CouponTaken
from orchard.coupons.service import choosing, holding
from orchard.coupons.service import templates as merchant
from orchard.coupons.store import templates
from orchard.group_buy.models import GroupBuySoldOut, Offer, SeatLost
from orchard.group_buy.service import activities, joining
from orchard.runtime.database import Connection
from tests.support.coupons import Coupons
from tests.support.group_buys import PRICE_FEN, GroupBuys, draft
from tests.support.shop import Shoppers


def test_a_coupon_that_ended_since_it_was_read_is_not_locked(
    coupons: Coupons, shopper: Shoppers, db: Connection
) -> None:
    me = shopper()
    coupon_id = coupons.give(me.token)
    statement = choosing.coupon_statement(me.member_id, int(coupon_id))
    (coupon,) = choosing.read_coupons([db.run(lambda tx: tx.packet([statement]))[0].rows])
    coupons.end(coupon_id)
    with pytest.raises(CouponTaken):
        db.run(lambda tx: tx.packet(holding.lock(coupon, me.member_id, 7, 500, 2000)))
    assert coupons.state(coupon_id) == "AVAILABLE"


@pytest.mark.parametrize("change", ["stopped", "over", "not_begun"])
def test_a_template_that_went_off_offer_since_it_was_read_gives_nothing(
    coupons: Coupons, db: Connection, change: str
) -> None:
    template_id = coupons.offer()
    window = "UPDATE coupon_template SET claim_from = UTC_TIMESTAMP(6) + INTERVAL {} HOUR, claim_until ="
    hours = {"over": -2, "not_begun": 1}
    if change == "stopped":
        db.run(lambda tx: merchant.stop_template(tx, template_id))
    else:
        coupons.change(f"{window.format(hours[change])} UTC_TIMESTAMP(6) + INTERVAL {hours[change] + 1} HOUR")
    with pytest.raises(CouponNotClaimable):
        db.run(lambda tx: tx.execute(templates.take_one(template_id)))
    assert coupons.template(template_id)["issued"] == 0


def _offer(group_buys: GroupBuys, activity_id: int, member_id: int) -> Offer:
    statement = joining.offer_statement(activity_id, group_buys.goods.sku_id, member_id)
    offer = joining.read_offer(group_buys.till.db.run(lambda tx: tx.packet([statement]))[0].rows)
    assert offer is not None
    return offer


def _refused(group_buys: GroupBuys, offer: Offer, group_id: int | None, member_id: int, error: type[AppError]) -> None:
    order, goods = (member_id, 7, "20260101ABCDEF"), (group_buys.goods.sku_id, 1)
    with pytest.raises(error):
        group_buys.till.db.run(lambda tx: tx.packet(joining.take_seat(offer, group_id, order, goods, 30)))
    assert group_buys.till.rows("SELECT id FROM group_buy_member WHERE member_id = %s", member_id) == []


def test_a_group_whose_time_ended_since_it_was_read_takes_nobody(group_buys: GroupBuys) -> None:
    activity_id = group_buys.offer(size=3)
    group_id, _ = group_buys.opened(activity_id)
    member_id = group_buys.till.buyer().member_id
    offer = _offer(group_buys, activity_id, member_id)
    group_buys.let_pass(group_id)
    _refused(group_buys, offer, group_id, member_id, SeatLost)
    group_buys.settle()
    group_buys.refund()


def test_a_group_is_opened_only_on_terms_that_still_stand(group_buys: GroupBuys) -> None:
    db, activity_id = group_buys.till.db, group_buys.offer()
    member_id = group_buys.till.buyer().member_id
    offer = _offer(group_buys, activity_id, member_id)
    changed = draft(group_buys.goods, hours=1)
    db.run(lambda tx: activities.change_activity(tx, activity_id, offer.version, changed))
    _refused(group_buys, offer, None, member_id, GroupBuySoldOut)
    offer = _offer(group_buys, activity_id, member_id)
    db.run(lambda tx: activities.stop_activity(tx, activity_id))
    _refused(group_buys, offer, None, member_id, GroupBuySoldOut)


def test_a_seat_is_taken_only_at_the_price_that_still_stands(group_buys: GroupBuys) -> None:
    activity_id = group_buys.offer(size=3)
    group_id, _ = group_buys.opened(activity_id)
    member_id = group_buys.till.buyer().member_id
    offer = _offer(group_buys, activity_id, member_id)
    group_buys.till.change("UPDATE group_buy_sku SET price_fen = %s WHERE activity_id = %s", PRICE_FEN + 1, activity_id)
    _refused(group_buys, offer, group_id, member_id, GroupBuySoldOut)


def test_a_members_share_is_counted_again_when_the_seat_is_taken(group_buys: GroupBuys) -> None:
    activity_id, buyer = group_buys.offer(per_order_limit=1, per_member_limit=1), group_buys.till.buyer()
    offer = _offer(group_buys, activity_id, buyer.member_id)
    group_id = group_buys.group_of(group_buys.paid(activity_id, buyer=buyer))
    group_buys.paid(activity_id, group_id)
    assert group_buys.state(group_id) == "SUCCESS"
    order, goods = (buyer.member_id, 7, "20260101ABCDEF"), (group_buys.goods.sku_id, 1)
    with pytest.raises(SeatLost):
        group_buys.till.db.run(lambda tx: tx.packet(joining.take_seat(offer, None, order, goods, 30)))


def test_the_members_of_a_failed_group_are_told_once(group_buys: GroupBuys) -> None:
    group_id, number = group_buys.opened(group_buys.offer())
    member_id = group_buys.seat(number)["member_id"]
    group_buys.let_pass(group_id)
    group_buys.settle()
    group_buys.settle()
    told = group_buys.till.rows("SELECT subject, payload FROM outbox WHERE topic = 'group.failed'")
    assert [row["subject"] for row in told] == [str(group_id)]
    assert str(member_id) in told[0]["payload"]
    group_buys.refund()
