"""A group from its leader's order to the last refund: seats, payments, moves, deadlines, money."""

import json

import pytest

from orchard.workflows.refund_settled import refund_order
from tests.support.calls import call
from tests.support.coupons import Coupons
from tests.support.group_buys import PRICE_FEN, SELLING_FEN, GroupBuys
from tests.support.notices import Platform
from tests.support.shop import quote
from tests.support.till import Till


def _events(till: Till, topic: str) -> list[dict[str, object]]:
    return [json.loads(row["payload"]) for row in till.rows("SELECT payload FROM outbox WHERE topic = %s", topic)]


def test_two_members_complete_a_group_and_only_then_ship(group_buys: GroupBuys, till: Till) -> None:
    activity_id = group_buys.offer()
    leader = till.buyer()
    first = group_buys.order(leader, activity_id)
    group_id = group_buys.group_of(first)
    assert (group_buys.state(group_id), group_buys.group(group_id)["expires_at"]) == ("PENDING", None)
    group_buys.pay(leader, first)
    assert (till.state(first), group_buys.state(group_id)) == ("GROUPING", "OPEN")
    second = group_buys.paid(activity_id, group_id)
    assert (till.state(first), till.state(second)) == ("TO_SHIP", "TO_SHIP")
    assert (group_buys.state(group_id), group_buys.taken(activity_id)) == ("SUCCESS", 2)
    (event,) = _events(till, "group.succeeded")
    assert event["group_id"] == str(group_id)
    assert len(event["member_ids"]) == 2  # type: ignore[arg-type]
    assert group_buys.settle() == {}


def test_the_price_is_the_activitys_and_in_the_trace(group_buys: GroupBuys, till: Till) -> None:
    buyer, activity_id = till.buyer(), group_buys.offer()
    answer = quote(buyer.token, group_buys.body(activity_id, quantity=2))
    assert (answer.json["goods_fen"], answer.json["payable_fen"]) == (2 * SELLING_FEN, 2 * PRICE_FEN)
    (entry,) = [entry for entry in answer.json["trace"] if entry["step"] == "activity"]
    assert entry["rule_id"] == f"group_buy:{activity_id}"
    assert answer.json["coupons"] is None


def test_a_coupon_named_with_it_is_refused_and_one_merely_owned_gives_way(
    group_buys: GroupBuys, till: Till, coupons: Coupons
) -> None:
    buyer, activity_id = till.buyer(), group_buys.offer()
    coupon_id = coupons.give(buyer.token)
    answer = quote(buyer.token, group_buys.body(activity_id, coupon_id=coupon_id))
    assert (answer.status, answer.code) == (422, "campaigns_exclude")
    assert quote(buyer.token, group_buys.body(activity_id)).status == 200
    other = till.shop.sell()
    body = group_buys.body(activity_id)
    body["lines"].append({"sku_id": str(other.sku_id), "quantity": 1})
    assert quote(buyer.token, body).code == "campaign_one_line"


def test_placing_takes_the_same_five_round_trips(group_buys: GroupBuys, till: Till) -> None:
    activity_id = group_buys.offer()
    group_id, _ = group_buys.opened(activity_id)
    for body in (group_buys.body(activity_id), group_buys.body(activity_id, group_id)):
        buyer = till.buyer()
        digest = quote(buyer.token, body).json["digest"]
        before = till.db.round_trips
        answer = call("orders/place_order", "POST", "/orders", token=buyer.token, body={**body, "quote_digest": digest})
        assert answer.status == 201, answer.text
        assert till.db.round_trips - before == 5


def test_a_group_fails_at_its_time_and_everybody_has_everything_back(group_buys: GroupBuys, till: Till) -> None:
    activity_id = group_buys.offer(size=3)
    group_id, first = group_buys.opened(activity_id)
    second = group_buys.paid(activity_id, group_id)
    waiting = group_buys.order(till.buyer(), activity_id, group_id)
    assert group_buys.settle() == {}
    before = till.shop.available(group_buys.goods)
    group_buys.let_pass(group_id)
    assert group_buys.settle() == {"failed_groups": 1, "asked": 2}
    assert [till.state(number) for number in (first, second, waiting)] == ["REFUNDING", "REFUNDING", "PENDING_PAY"]
    assert group_buys.settle() == {}
    group_buys.refund()
    assert [till.state(number) for number in (first, second)] == ["REFUNDED", "REFUNDED"]
    assert [len(till.refunds(number)) for number in (first, second)] == [1, 1]
    assert till.shop.available(group_buys.goods) == before + 2
    assert group_buys.taken(activity_id) == 1
    (event,) = _events(till, "group.failed")
    assert len(event["member_ids"]) == 2  # type: ignore[arg-type]


def test_quota_stays_taken_where_the_activity_says_so(group_buys: GroupBuys) -> None:
    activity_id = group_buys.offer(returns_quota=False)
    group_id, _ = group_buys.opened(activity_id)
    group_buys.let_pass(group_id)
    group_buys.settle()
    group_buys.refund()
    assert group_buys.taken(activity_id) == 1


def test_money_for_a_group_that_failed_goes_back(group_buys: GroupBuys, till: Till) -> None:
    activity_id = group_buys.offer(size=3)
    group_id, _ = group_buys.opened(activity_id)
    late = till.buyer()
    number = group_buys.order(late, activity_id, group_id)
    till.take_money(late, number)
    group_buys.let_pass(group_id)
    group_buys.settle()
    till.sandbox.deliver_notifications()
    assert (till.state(number), group_buys.seat(number)["state"]) == ("REFUNDING", "REFUNDING")
    group_buys.refund()
    assert (till.state(number), group_buys.seat(number)["state"]) == ("REFUNDED", "REFUNDED")
    assert group_buys.taken(activity_id) == 0


def test_money_after_the_deadline_but_before_the_sweep_buys_no_seat(group_buys: GroupBuys, till: Till) -> None:
    activity_id = group_buys.offer()
    group_id, _ = group_buys.opened(activity_id)
    late = till.buyer()
    number = group_buys.order(late, activity_id, group_id)
    till.take_money(late, number)
    group_buys.let_pass(group_id)
    till.sandbox.deliver_notifications()
    assert (till.state(number), group_buys.state(group_id)) == ("REFUNDING", "OPEN")
    group_buys.settle()
    group_buys.refund()
    assert till.state(number) == "REFUNDED"


@pytest.mark.parametrize("moves", [True, False])
def test_money_for_a_full_group_moves_only_if_the_activity_says_so(
    group_buys: GroupBuys, till: Till, moves: bool
) -> None:
    activity_id = group_buys.offer(moves_payers=moves)
    full, _ = group_buys.opened(activity_id)
    other, elsewhere = group_buys.opened(activity_id)
    late = till.buyer()
    number = group_buys.order(late, activity_id, full)

    def lose() -> None:
        # The seat's time is over, so somebody else takes it; then the money comes after all.
        group_buys.lapse(number)
        group_buys.paid(activity_id, full)

    group_buys.pay_late(late, number, lose)
    if moves:
        assert (group_buys.group_of(number), till.state(number)) == (other, "TO_SHIP")
        assert (group_buys.state(other), till.state(elsewhere)) == ("SUCCESS", "TO_SHIP")
        (left,) = till.rows("SELECT * FROM group_buy_member WHERE state = 'MOVED'")
        assert (left["group_id"], left["moved_to"], left["order_id"]) == (full, other, None)
    else:
        assert till.state(number) == "REFUNDING"
        group_buys.refund()
        assert till.state(number) == "REFUNDED"
        assert group_buys.state(other) == "OPEN"


def test_a_mover_finds_no_expired_group(group_buys: GroupBuys, till: Till) -> None:
    activity_id = group_buys.offer(moves_payers=True)
    full, _ = group_buys.opened(activity_id)
    expired, _ = group_buys.opened(activity_id)
    group_buys.let_pass(expired)
    late = till.buyer()
    number = group_buys.order(late, activity_id, full)

    def lose() -> None:
        group_buys.lapse(number)
        group_buys.paid(activity_id, full)

    group_buys.pay_late(late, number, lose)
    assert till.state(number) == "REFUNDING"
    group_buys.settle()
    group_buys.refund()


def test_a_late_payer_keeps_the_seat_nobody_else_took(group_buys: GroupBuys, till: Till) -> None:
    activity_id = group_buys.offer()
    group_id, _ = group_buys.opened(activity_id)
    late = till.buyer()
    number = group_buys.order(late, activity_id, group_id)
    group_buys.lapse(number)
    group_buys.pay(late, number)
    assert (till.state(number), group_buys.state(group_id)) == ("TO_SHIP", "SUCCESS")


def test_a_leader_who_cancels_unpaid_takes_the_group_along(group_buys: GroupBuys, till: Till) -> None:
    buyer, activity_id = till.buyer(), group_buys.offer()
    number = group_buys.order(buyer, activity_id)
    group_id = group_buys.group_of(number)
    # Nobody can join before the leader has paid.
    answer = quote(till.buyer().token, group_buys.body(activity_id, group_id))
    assert [problem["reason"] for problem in answer.json["problems"]] == ["group_over"]
    assert till.cancel(buyer, number).status == 200
    assert (group_buys.state(group_id), group_buys.taken(activity_id)) == ("CANCELLED", 0)
    # The member may begin anew.
    group_buys.order(buyer, activity_id)


def test_a_leader_refunded_meanwhile_hands_over_and_the_last_one_ends_it(group_buys: GroupBuys, till: Till) -> None:
    activity_id = group_buys.offer(size=3)
    group_id, first = group_buys.opened(activity_id)
    buyer = till.buyer()
    second = group_buys.paid(activity_id, group_id, buyer)
    for number in (first, second):
        before = till.shop.available(group_buys.goods)
        refund_order(till.db, number, reason="协商退款", key="staff-1")
        group_buys.refund()
        assert (till.state(number), till.shop.available(group_buys.goods)) == ("REFUNDED", before + 1)
        if number == first:
            assert (group_buys.group(group_id)["leader_id"], group_buys.state(group_id)) == (buyer.member_id, "OPEN")
    assert group_buys.state(group_id) == "FAILED"
    assert group_buys.taken(activity_id) == 0


def test_a_refund_after_success_reopens_nothing(group_buys: GroupBuys, till: Till) -> None:
    activity_id = group_buys.offer()
    group_id, first = group_buys.opened(activity_id)
    group_buys.paid(activity_id, group_id)
    refund_order(till.db, first, reason="七天无理由", key="case-1")
    group_buys.refund()
    assert (till.state(first), group_buys.state(group_id)) == ("REFUNDED", "SUCCESS")
    assert group_buys.taken(activity_id) == 2


def test_simulated_seats_complete_a_group_only_where_the_owner_says_so(group_buys: GroupBuys, till: Till) -> None:
    activity_id = group_buys.offer(size=4, simulates=True)
    group_id, first = group_buys.opened(activity_id)
    second = group_buys.paid(activity_id, group_id)
    waiting = till.buyer()
    third = group_buys.order(waiting, activity_id, group_id)
    sheet = till.sheet(waiting, third)
    group_buys.let_pass(group_id)
    assert group_buys.settle() == {"succeeded": 1}
    assert (till.state(first), till.state(second)) == ("TO_SHIP", "TO_SHIP")
    group = group_buys.group(group_id)
    assert (group["state"], group["paid"], group["simulated"]) == ("SUCCESS", 2, 2)
    # Whoever pays now finds the group complete: the money goes back.
    till.sandbox.confirm_payment(sheet)
    till.sandbox.deliver_notifications()
    assert till.state(third) == "REFUNDING"
    group_buys.refund()
    assert till.state(third) == "REFUNDED"


def test_a_notification_told_often_counts_one_payment(group_buys: GroupBuys, till: Till, platform: Platform) -> None:
    activity_id = group_buys.offer()
    group_id, _ = group_buys.opened(activity_id)
    buyer = till.buyer()
    number = group_buys.order(buyer, activity_id, group_id)
    till.take_money(buyer, number)
    notice = platform.told(till.sandbox.ledger(), number)
    assert {notice.post().status for _ in range(4)} <= {200, 204}
    assert (group_buys.state(group_id), group_buys.group(group_id)["paid"]) == ("SUCCESS", 2)
