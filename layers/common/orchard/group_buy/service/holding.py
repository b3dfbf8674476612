"""What happens to an order's seat: paid, given up, refunded.

Callers hold the order's lock; `held` locks the seat and its group.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from orchard.core.ids import new_id
from orchard.group_buy import rules
from orchard.group_buy.models import Fate, GroupState, Seat, SeatGone, SeatState
from orchard.group_buy.store import activities, groups, seats
from orchard.runtime import outbox
from orchard.runtime.database import Row, Statement, Tx

_CANDIDATES = 5


class Paid(NamedTuple):
    """What a payment did: its statements, and, where it completed a group, the orders of the other members."""

    fate: Fate
    statements: list[Statement]
    completed_order_ids: list[int]


def held(order_ids: Sequence[int]) -> Statement:
    """The orders' seats, locked with their groups; its rows are what the others take."""
    return seats.held(order_ids)


def seen(order_id: int) -> Statement:
    """The order's seat with its group, unlocked; for `check_payable`."""
    return seats.seen(order_id)


def check_payable(tx: Tx, rows: Sequence[Row]) -> None:
    """Raises SeatGone where `pay` would send the money back if it came now; it decides again when money does come."""
    if not rows:
        return
    seat = seats.seat(rows[0])
    late = 0 if seat.in_time else groups.others_in_time(tx, seat.group_id, seat.id)
    if rules.fate(seat, late) is not Fate.REFUND:
        return
    if not (seat.moves_payers and groups.with_room(tx, seat.activity_id, seat.group_id, 1)):
        raise SeatGone(group_id=str(seat.group_id))


def pay(tx: Tx, rows: Sequence[Row]) -> Paid | None:
    """The order was paid; None where it has no seat.

    In its own group where a seat is left for it; else in another open group of the activity if the group's terms say
    so; else the money must go back.
    """
    if not rows:
        return None
    seat = seats.seat(rows[0])
    late = 0 if seat.in_time else groups.others_in_time(tx, seat.group_id, seat.id)
    fate = rules.fate(seat, late)
    if fate is not Fate.REFUND:
        return _seated(tx, seat, fate)
    moved = _moved(tx, seat) if seat.moves_payers else None
    return moved or Paid(Fate.REFUND, [seats.refuse(seat)], [])


def _seated(tx: Tx, seat: Seat, fate: Fate) -> Paid:
    if seat.group_state is GroupState.PENDING:
        return Paid(fate, [seats.pay(seat), *groups.begin(seat)], [])
    own = [seats.pay(seat), groups.count_payment(seat.group_id)]
    if fate is Fate.WAITING:
        return Paid(fate, own, [])
    others = seats.paid_seats(tx, seat.group_id)
    ended = completed(seat.group_id, seat.group_version, [*others, {"member_id": seat.member_id}])
    return Paid(fate, [*own, *ended], [row["order_id"] for row in others])


def _moved(tx: Tx, seat: Seat) -> Paid | None:
    for group_id in groups.with_room(tx, seat.activity_id, seat.group_id, _CANDIDATES):
        group = groups.locked(tx, group_id)
        if group is None or group["state"] != GroupState.OPEN or group["expired"]:
            continue
        if group["paid"] + groups.others_in_time(tx, group_id, seat.id) >= group["size"]:
            continue
        own = [*seats.move_away(seat, group_id, new_id()), groups.count_payment(group_id)]
        if group["paid"] + 1 < group["size"]:
            return Paid(Fate.WAITING, own, [])
        others = seats.paid_seats(tx, group_id)
        ended = completed(group_id, group["version"], [*others, {"member_id": seat.member_id}])
        return Paid(Fate.COMPLETE, [*own, *ended], [row["order_id"] for row in others])
    return None


def completed(group_id: int, version: int, members: Sequence[Row], *, simulated: int = 0) -> list[Statement]:
    """A locked group -> SUCCESS with all its paid seats, and the members are told (group.succeeded)."""
    return [
        *groups.succeed(group_id, version, simulated=simulated),
        seats.settle_paid(group_id, SeatState.SUCCESS),
        told("group.succeeded", group_id, members),
    ]


def told(topic: str, group_id: int, members: Sequence[Row]) -> Statement:
    """One event about a group, for the messages to its members."""
    payload = {"group_id": str(group_id), "member_ids": [str(row["member_id"]) for row in members]}
    return outbox.emit(topic, str(group_id), payload)


def release(rows: Sequence[Row]) -> list[Statement]:
    """The orders were closed unpaid: seats are free, quotas have their units again, a leader's group is cancelled.

    The quotas, which orders share, come last and in key order.
    """
    given_up = [seats.seat(row) for row in rows]
    gone = [
        statement for seat in given_up if seat.group_state is GroupState.PENDING for statement in groups.cancel(seat)
    ]
    units: Counter[tuple[int, int]] = Counter()
    for seat in given_up:
        units[seat.activity_id, seat.sku_id] += seat.units
    put_back = [activities.put_back(*goods, many) for goods, many in sorted(units.items())]
    return [*(seats.give_up(seat) for seat in given_up), *gone, *put_back]


def give_back(rows: Sequence[Row]) -> list[Statement]:
    """Every fen of the order went back.

    Before success the seat ends: the quota has its units again where the terms say so, and an open group goes on
    under its earliest member, or fails without any. After success the group stays complete.
    """
    if not rows:
        return []
    seat = seats.seat(rows[0])
    if seat.state not in {SeatState.PAID, SeatState.REFUNDING}:
        return []
    statements = [seats.refunded(seat, keeps_quota=not seat.returns_quota)]
    if seat.state is SeatState.PAID:
        statements.append(groups.lose_paid(seat.group_id))
        if seat.paid == 1:
            statements += groups.fail(seat.group_id, seat.group_version, "left")
    if seat.returns_quota:
        statements.append(activities.put_back(seat.activity_id, seat.sku_id, seat.units))
    return statements
