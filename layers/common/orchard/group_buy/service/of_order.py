"""The group of one order, for the order's own page."""

from typing import Any

from orchard.core.clock import from_database
from orchard.group_buy.models import GroupState
from orchard.group_buy.store import pages
from orchard.runtime.database import Row, Statement


def group_statement(member_id: int, order_number: str) -> Statement:
    """The seat of a member's order with its group, for a packet that is sent anyway; see `read_group`."""
    return pages.of_order(member_id, order_number)


def read_group(row: Row) -> dict[str, Any]:
    """group_id, activity_id, state, seat_state, size, seats_left, seconds_left, expires_at (UTC)."""
    plain = ("group_id", "activity_id", "state", "seat_state", "size")
    return {
        **{name: row[name] for name in plain},
        "seats_left": max(0, row["size"] - int(row["taken"])) if row["state"] == GroupState.OPEN else 0,
        "seconds_left": int(row["seconds_left"]),
        "expires_at": from_database(row["expires_at"]) if row["expires_at"] else None,
    }
