"""Nobody is asked for money that could only go back: an order without a seat gets no prepay."""

import pytest

from tests.support.group_buys import GroupBuys
from tests.support.till import Buyer, Till


def _joiner(group_buys: GroupBuys, activity_id: int, group_id: int | None = None) -> tuple[Buyer, str]:
    buyer = group_buys.till.buyer()
    return buyer, group_buys.order(buyer, activity_id, group_id)


def _refused(till: Till, buyer: Buyer, number: str) -> None:
    before = till.prepays()
    answer = till.pay(buyer, number)
    assert (answer.status, answer.code) == (409, "group_seat_gone")
    assert (till.state(number), till.prepays()) == ("PENDING_PAY", before)
    # Nothing hangs: it can be cancelled like any unpaid order.
    assert till.cancel(buyer, number).status == 200


@pytest.mark.parametrize("settled", [True, False])
def test_a_group_past_its_deadline_asks_for_no_money(group_buys: GroupBuys, till: Till, settled: bool) -> None:
    activity_id = group_buys.offer(size=3)
    group_id, _ = group_buys.opened(activity_id)
    buyer, number = _joiner(group_buys, activity_id, group_id)
    group_buys.let_pass(group_id)
    if settled:
        group_buys.settle()
        assert group_buys.state(group_id) == "FAILED"
    _refused(till, buyer, number)
    group_buys.settle()
    group_buys.refund()


def test_a_group_that_succeeded_without_the_order_asks_for_no_money(group_buys: GroupBuys, till: Till) -> None:
    activity_id = group_buys.offer()
    group_id, _ = group_buys.opened(activity_id)
    buyer, number = _joiner(group_buys, activity_id, group_id)
    group_buys.lapse(number)
    group_buys.paid(activity_id, group_id)
    assert group_buys.state(group_id) == "SUCCESS"
    _refused(till, buyer, number)


def test_a_lapsed_seat_is_paid_only_while_nobody_else_holds_it(group_buys: GroupBuys, till: Till) -> None:
    activity_id = group_buys.offer()
    group_id, _ = group_buys.opened(activity_id)
    buyer, number = _joiner(group_buys, activity_id, group_id)
    group_buys.lapse(number)
    assert till.pay(buyer, number).status == 200
    faster, second = _joiner(group_buys, activity_id, group_id)
    # The sheet is not handed out again either, though its prepay is alive.
    assert till.pay(buyer, number).code == "group_seat_gone"
    assert till.cancel(faster, second).status == 200
    assert till.pay(buyer, number).status == 200


def test_a_payer_who_may_move_is_let_through_while_there_is_where_to(group_buys: GroupBuys, till: Till) -> None:
    activity_id = group_buys.offer(moves_payers=True)
    full, _ = group_buys.opened(activity_id)
    other, _ = group_buys.opened(activity_id)
    (first, one), (second, two) = (_joiner(group_buys, activity_id, full), _joiner(group_buys, activity_id, other))
    group_buys.lapse(one)
    group_buys.paid(activity_id, full)
    assert till.pay(first, one).code == "group_seat_gone"
    assert till.cancel(second, two).status == 200
    group_buys.pay(first, one)
    assert (till.state(one), group_buys.group_of(one)) == ("TO_SHIP", other)


def test_a_leader_may_always_pay(group_buys: GroupBuys, till: Till) -> None:
    activity_id = group_buys.offer()
    buyer, number = _joiner(group_buys, activity_id)
    group_buys.lapse(number)
    group_buys.pay(buyer, number)
    assert till.state(number) == "GROUPING"
