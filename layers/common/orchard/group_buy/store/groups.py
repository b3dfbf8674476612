"""Groups: opened, joined, completed, failed. Whoever changes one holds its row."""

from datetime import datetime

from orchard.group_buy.models import GroupState, Offer, Seat, SeatConflict, SeatLost
from orchard.runtime.database import Row, Statement, Tx, insert

G = GroupState
# Reserved seats whose time to pay is not over; `g` is the group.
_IN_TIME = (
    "(SELECT COUNT(*) FROM group_buy_member r WHERE r.group_id = g.id AND r.state = 'RESERVED'"
    " AND r.seat_until > UTC_TIMESTAMP(6))"
)
TAKEN = f"g.paid + {_IN_TIME}"


def open_group(group_id: int, offer: Offer, leader_id: int) -> list[Statement]:
    """A group that waits for its leader's payment, with the activity's terms of now."""
    row = {
        "id": group_id, "activity_id": offer.activity_id, "state": GroupState.PENDING.value, "version": 1,
        "leader_id": leader_id, "size": offer.size, "hours": offer.hours, "moves_payers": int(offer.moves_payers),
        "simulates": int(offer.simulates), "returns_quota": int(offer.returns_quota),
    }  # fmt: skip
    return [insert("group_buy_group", [row]), _event(group_id, 1, None, GroupState.PENDING, "ordered")]


def lock_open(group_id: int) -> Statement:
    """Lock a group that can be joined; the packet raises SeatLost when it is over by database time."""
    return Statement(
        "SELECT id FROM group_buy_group WHERE id = %s AND state = 'OPEN' AND expires_at > UTC_TIMESTAMP(6) FOR UPDATE",
        (group_id,),
        expect=1,
        otherwise=SeatLost(),
    )


def room(group_id: int) -> str:
    """The FROM and WHERE of an INSERT ... SELECT that finds the locked group only while it has a seat."""
    return f" FROM group_buy_group g WHERE g.id = {int(group_id)} AND {TAKEN} < g.size"


def standing(group_id: int) -> Statement:
    """The group as one order sees it."""
    return Statement(
        f"SELECT g.id, g.activity_id, g.state, g.size, {TAKEN} AS taken,"
        " COALESCE(g.expires_at <= UTC_TIMESTAMP(6), 0) AS expired FROM group_buy_group g WHERE g.id = %s",
        (group_id,),
    )


def others_in_time(tx: Tx, group_id: int, seat_id: int) -> int:
    """Reserved seats of the locked group, but for one, whose time to pay is not over."""
    row = tx.row(
        "SELECT COUNT(*) AS n FROM group_buy_member WHERE group_id = %s AND id <> %s AND state = 'RESERVED'"
        " AND seat_until > UTC_TIMESTAMP(6)",
        (group_id, seat_id),
    )
    return int(row["n"]) if row else 0


def with_room(tx: Tx, activity_id: int, but: int, limit: int) -> list[int]:
    """Open groups of the activity with a seat, the one that ends first in front; nothing is locked."""
    rows = tx.rows(
        f"SELECT g.id FROM group_buy_group g WHERE g.activity_id = %s AND g.state = 'OPEN' AND g.id <> %s"
        f" AND g.expires_at > UTC_TIMESTAMP(6) AND {TAKEN} < g.size ORDER BY g.expires_at, g.id LIMIT %s",
        (activity_id, but, limit),
    )
    return [row["id"] for row in rows]


def locked(tx: Tx, group_id: int) -> Row | None:
    """The group's row, locked until the transaction ends; `expired` by database time."""
    return tx.row(
        "SELECT *, COALESCE(expires_at <= UTC_TIMESTAMP(6), 0) AS expired FROM group_buy_group"
        " WHERE id = %s FOR UPDATE",
        (group_id,),
    )


def begin(seat: Seat) -> list[Statement]:
    """PENDING -> OPEN with its leader's payment: the hours begin to count."""
    return [
        _move(seat.group_id, seat.group_version, (G.PENDING, G.OPEN),
              "paid = 1, expires_at = UTC_TIMESTAMP(6) + INTERVAL hours HOUR"),
        _event(seat.group_id, seat.group_version + 1, G.PENDING, G.OPEN, "leader_paid"),
    ]  # fmt: skip


def count_payment(group_id: int) -> Statement:
    """One more paid seat in an open group."""
    return Statement(
        "UPDATE group_buy_group SET paid = paid + 1 WHERE id = %s AND state = 'OPEN' AND paid < size"
        " AND expires_at > UTC_TIMESTAMP(6)",
        (group_id,),
        expect=1,
        otherwise=SeatConflict(),
    )


def succeed(group_id: int, version: int, *, simulated: int = 0) -> list[Statement]:
    """OPEN -> SUCCESS, with the seats that are counted though nobody sits there."""
    return [
        _move(group_id, version, (G.OPEN, G.SUCCESS), f"simulated = {int(simulated)}, ended_at = UTC_TIMESTAMP(6)"),
        _event(group_id, version + 1, G.OPEN, G.SUCCESS, "simulated" if simulated else "full"),
    ]


def fail(group_id: int, version: int, reason: str) -> list[Statement]:
    """OPEN -> FAILED."""
    return [
        _move(group_id, version, (G.OPEN, G.FAILED), "ended_at = UTC_TIMESTAMP(6)"),
        _event(group_id, version + 1, G.OPEN, G.FAILED, reason),
    ]


def cancel(seat: Seat) -> list[Statement]:
    """PENDING -> CANCELLED: the leader never paid, so nobody else could."""
    return [
        _move(seat.group_id, seat.group_version, (G.PENDING, G.CANCELLED), "ended_at = UTC_TIMESTAMP(6)"),
        _event(seat.group_id, seat.group_version + 1, G.PENDING, G.CANCELLED, "leader_left"),
    ]


def lose_paid(group_id: int) -> Statement:
    """A paid member of the open group was refunded and has left: whoever paid first among the others leads."""
    first = "SELECT member_id FROM group_buy_member WHERE group_id = %s AND state = 'PAID' ORDER BY paid_at, id LIMIT 1"
    return Statement(
        f"UPDATE group_buy_group SET paid = paid - 1, leader_id = COALESCE(({first}), leader_id)"
        " WHERE id = %s AND state = 'OPEN' AND paid > 0",
        (group_id, group_id),
        expect=1,
        otherwise=SeatConflict(),
    )


def due(tx: Tx, limit: int, after: tuple[datetime, int] | None) -> list[Row]:
    """Open groups whose time is over by the database's clock, oldest first, behind `after`: id, expires_at."""
    where, params = "", []
    if after is not None:
        where, params = " AND (expires_at > %s OR (expires_at = %s AND id > %s))", [after[0], after[0], after[1]]
    return tx.rows(
        "SELECT id, expires_at FROM group_buy_group WHERE state = 'OPEN' AND expires_at <= UTC_TIMESTAMP(6)"
        f"{where} ORDER BY expires_at, id LIMIT %s",
        [*params, limit],
    )


def _move(group_id: int, version: int, step: tuple[GroupState, GroupState], extra: str) -> Statement:
    return Statement(
        f"UPDATE group_buy_group SET state = %s, version = version + 1, {extra}"
        " WHERE id = %s AND state = %s AND version = %s",
        (step[1].value, group_id, step[0].value, version),
        expect=1,
        otherwise=SeatConflict(),
    )


def _event(group_id: int, version: int, source: GroupState | None, target: GroupState, reason: str) -> Statement:
    row = {"group_id": group_id, "version": version, "from_state": source.value if source else None,
           "to_state": target.value, "reason": reason}  # fmt: skip
    return insert("group_buy_group_event", [row], on_duplicate=SeatConflict())
