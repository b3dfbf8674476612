"""Groups whose time is over: complete with simulated seats where their terms say so, else failed."""

from datetime import datetime
from typing import NamedTuple

from orchard.group_buy.models import GroupState, SeatState
from orchard.group_buy.service import holding
from orchard.group_buy.store import groups, seats
from orchard.runtime.database import Row, Statement, Tx


class Ended(NamedTuple):
    """How a group ended: the statements that end it, and the paid orders that go on if it succeeded."""

    success: bool
    statements: list[Statement]
    order_ids: list[int]


def due_groups(tx: Tx, limit: int, after: tuple[datetime, int] | None = None) -> list[Row]:
    """Open groups past their time, oldest first: id, expires_at; `after` is the last one seen."""
    return groups.due(tx, limit, after)


def end(tx: Tx, group_id: int) -> Ended | None:
    """Decide an open group past its time; None when somebody else has. The group's row is locked."""
    group = groups.locked(tx, group_id)
    if group is None or group["state"] != GroupState.OPEN or not group["expired"]:
        return None
    paid = seats.paid_seats(tx, group_id)
    if group["simulates"] and paid:
        empty = group["size"] - group["paid"]
        done = holding.completed(group_id, group["version"], paid, simulated=empty)
        return Ended(True, done, [row["order_id"] for row in paid])
    failed = [
        *groups.fail(group_id, group["version"], "deadline"),
        seats.settle_paid(group_id, SeatState.REFUNDING),
        holding.told("group.failed", group_id, paid),
    ]
    return Ended(False, failed, [])


def seats_to_refund(tx: Tx, limit: int, after_id: int = 0) -> list[Row]:
    """Seats whose money must go back and has not been asked for, behind `after_id`: id, order_number."""
    return seats.to_refund(tx, limit, after_id)


def must_go_back(tx: Tx, order_id: int) -> bool:
    """Whether the order's seat, locked with its group, says that the money goes back."""
    rows = tx.packet([seats.held([order_id])])[0].rows
    return bool(rows) and seats.seat(rows[0]).state is SeatState.REFUNDING


def refund_asked(order_id: int) -> Statement:
    """Remember that the refund stands in the books."""
    return seats.refund_asked(order_id)
