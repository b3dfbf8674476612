"""GET /orders/{order_number} of a group-buy order: the group it waits for."""

from typing import Any

from tests.support.calls import call
from tests.support.group_buys import GroupBuys
from tests.support.till import Buyer


def _order(buyer: Buyer, number: str) -> dict[str, Any]:
    answer = call("orders/show_order", "GET", f"/orders/{number}", token=buyer.token)
    assert answer.status == 200, answer.text
    order: dict[str, Any] = answer.json
    return order


def test_an_order_shows_its_group_in_the_same_round_trips(group_buys: GroupBuys) -> None:
    till, activity_id, leader = group_buys.till, group_buys.offer(size=3), group_buys.till.buyer()
    number = group_buys.order(leader, activity_id)
    group_id = group_buys.group_of(number)
    before = till.db.round_trips
    assert _order(leader, number)["group"] == {
        "group_id": str(group_id), "activity_id": str(activity_id), "state": "PENDING", "seat_state": "RESERVED",
        "size": 3, "seats_left": 0, "seconds_left": 0, "expires_at": None,
    }  # fmt: skip
    assert till.db.round_trips - before == 2  # the session, and everything else
    group_buys.pay(leader, number)
    group_buys.order(till.buyer(), activity_id, group_id)
    group = _order(leader, number)["group"]
    assert (group["state"], group["seat_state"], group["seats_left"]) == ("OPEN", "PAID", 1)
    assert 23 * 3600 < group["seconds_left"] <= 24 * 3600
    assert group["expires_at"].endswith("Z")


def test_an_order_that_moved_shows_the_group_it_is_in_now(group_buys: GroupBuys) -> None:
    till, activity_id, late = group_buys.till, group_buys.offer(moves_payers=True), group_buys.till.buyer()
    full, _ = group_buys.opened(activity_id)
    other, _ = group_buys.opened(activity_id)
    number = group_buys.order(late, activity_id, full)
    group_buys.lapse(number)
    group_buys.paid(activity_id, full)
    assert (_order(late, number)["group"]["group_id"], till.state(number)) == (str(full), "PENDING_PAY")
    group_buys.pay(late, number)
    group = _order(late, number)["group"]
    assert (group["group_id"], group["state"], group["seat_state"]) == (str(other), "SUCCESS", "SUCCESS")


def test_an_ordinary_order_has_no_group(group_buys: GroupBuys) -> None:
    till = group_buys.till
    buyer = till.buyer()
    assert _order(buyer, till.order(buyer))["group"] is None
