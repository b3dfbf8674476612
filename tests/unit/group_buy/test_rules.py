"""Who may open or join, and what a payment comes to."""

from dataclasses import replace
from typing import Any

import pytest

from orchard.group_buy import rules
from orchard.group_buy.models import (
    GROUP_TRANSITIONS,
    ActivityState,
    Barred,
    Fate,
    GroupState,
    Offer,
    Seat,
    SeatState,
    Standing,
)

OFFER = Offer(
    activity_id=1, version=1, state=ActivityState.PUBLISHED, size=3, hours=24, per_order_limit=2, per_member_limit=3,
    moves_payers=False, simulates=False, returns_quota=True, started=True, ended=False, price_fen=100, left=5, units=0,
    in_a_group=False,
)  # fmt: skip
GROUP = Standing(group_id=9, activity_id=1, state=GroupState.OPEN, expired=False, size=3, taken=2)
SEAT = Seat(
    id=1, group_id=9, activity_id=1, member_id=5, order_id=7, order_number="A", sku_id=3, units=1,
    state=SeatState.RESERVED, quota_held=True, in_time=True, group_state=GroupState.OPEN, group_version=2,
    group_expired=False, leader_id=4, size=3, hours=24, paid=1, moves_payers=False, simulates=False, returns_quota=True,
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "opening", "joining"),
    [
        ({}, [], []),
        ({"started": False}, [Barred.NOT_STARTED], []),
        ({"ended": True}, [Barred.ENDED], []),
        ({"state": ActivityState.STOPPED}, [Barred.ENDED], []),
        ({"price_fen": None}, [Barred.NOT_OFFERED], [Barred.NOT_OFFERED]),
        ({"left": 1}, [Barred.SOLD_OUT], [Barred.SOLD_OUT]),
        ({"per_order_limit": 1}, [Barred.ORDER_LIMIT], [Barred.ORDER_LIMIT]),
        ({"units": 2}, [Barred.MEMBER_LIMIT], [Barred.MEMBER_LIMIT]),
        ({"in_a_group": True, "units": 2}, [Barred.IN_A_GROUP], [Barred.IN_A_GROUP]),
    ],
)
def test_two_units_open_and_join(changes: dict[str, Any], opening: list[Barred], joining: list[Barred]) -> None:
    offer = replace(OFFER, **changes)
    assert rules.barred(offer, None, 2) == opening
    assert rules.barred(offer, GROUP, 2) == joining


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"taken": 3}, Barred.GROUP_FULL),
        ({"expired": True}, Barred.GROUP_OVER),
        *(({"state": state}, Barred.GROUP_OVER) for state in GroupState if state is not GroupState.OPEN),
    ],
)
def test_only_an_open_group_with_a_seat_is_joined(changes: dict[str, Any], reason: Barred) -> None:
    assert rules.barred(OFFER, replace(GROUP, **changes), 1) == [reason]


@pytest.mark.parametrize(
    ("changes", "others", "fate"),
    [
        ({}, 1, Fate.WAITING),
        ({"paid": 2}, 0, Fate.COMPLETE),
        ({"paid": 3}, 0, Fate.REFUND),
        ({"group_expired": True}, 0, Fate.REFUND),
        ({"group_state": GroupState.FAILED}, 0, Fate.REFUND),
        ({"group_state": GroupState.SUCCESS, "paid": 3}, 0, Fate.REFUND),
        ({"group_state": GroupState.PENDING, "paid": 0}, 0, Fate.WAITING),
        # A late payer takes no seat from those whose time is not over.
        ({"in_time": False}, 1, Fate.WAITING),
        ({"in_time": False}, 2, Fate.REFUND),
        ({"in_time": False, "paid": 2}, 0, Fate.COMPLETE),
        ({"in_time": False, "paid": 2}, 1, Fate.REFUND),
    ],
)
def test_what_a_payment_comes_to(changes: dict[str, Any], others: int, fate: Fate) -> None:
    assert rules.fate(replace(SEAT, **changes), others) is fate


def test_the_activity_never_makes_a_line_dearer() -> None:
    assert rules.saving_fen(2000, 1500, 3) == 1500
    assert rules.saving_fen(1000, 1500, 3) == 0


def test_ends_of_groups_are_ends() -> None:
    assert {state for state, after in GROUP_TRANSITIONS.items() if not after} == {
        GroupState.SUCCESS, GroupState.FAILED, GroupState.CANCELLED,
    }  # fmt: skip
