"""Seats: reserved with an order, paid, moved, given up, refunded."""

from collections.abc import Sequence
from typing import Any

from orchard.group_buy.models import AlreadyInGroup, GroupState, Offer, Seat, SeatConflict, SeatLost, SeatState
from orchard.group_buy.store import groups
from orchard.runtime.database import Row, Statement, Tx, placeholders

S = SeatState
_SEAT = (
    "SELECT m.id, m.group_id, m.activity_id, m.member_id, m.order_id, m.order_number, m.sku_id, m.units, m.state,"
    " m.quota_held, m.state = 'RESERVED' AND m.seat_until > UTC_TIMESTAMP(6) AS in_time, g.state AS group_state,"
    " g.version AS group_version, COALESCE(g.expires_at <= UTC_TIMESTAMP(6), 0) AS group_expired, g.leader_id,"
    " g.size, g.hours, g.paid, g.moves_payers, g.simulates, g.returns_quota"
    " FROM group_buy_member m JOIN group_buy_group g ON g.id = m.group_id"
)
_COLUMNS = (
    "(id, group_id, activity_id, member_id, order_id, order_number, sku_id, units, state, live, quota_held,"
    " seat_until, paid_at)"
)


def reserve(
    seat_id: int, group_id: int, offer: Offer, order: tuple[int, int, str], goods: tuple[int, int], minutes: int
) -> list[Statement]:
    """A seat for an order (member_id, order_id, order_number) of (sku_id, units), for `minutes` of database time.

    The caller has locked or just opened the group. The packet raises SeatLost when it is full, AlreadyInGroup, and
    SeatLost when the member's share of the activity is used up.
    """
    values = [seat_id, group_id, offer.activity_id, *order, *goods]
    marks = ", ".join(["%s"] * len(values))
    taken = Statement(
        f"INSERT INTO group_buy_member {_COLUMNS}"
        f" SELECT {marks}, 'RESERVED', 1, 1, UTC_TIMESTAMP(6) + INTERVAL %s MINUTE, NULL{groups.room(group_id)}",
        [*values, minutes],
        expect=1,
        otherwise=SeatLost(),
        on_duplicate=AlreadyInGroup(),
    )
    # Behind the unique live row, so that no other order of the member can come in between.
    share = Statement(
        "SELECT SUM(units) AS units FROM group_buy_member WHERE activity_id = %s AND member_id = %s"
        " AND state IN ('RESERVED', 'PAID', 'SUCCESS') HAVING SUM(units) <= %s",
        (offer.activity_id, order[0], offer.per_member_limit),
        expect=1,
        otherwise=SeatLost(),
    )
    return [taken, share]


def held(order_ids: Sequence[int]) -> Statement:
    """The orders' seats and their groups, all locked: they decide what a payment comes to."""
    return Statement(
        f"{_SEAT} WHERE m.order_id IN ({placeholders(order_ids)}) ORDER BY m.order_id FOR UPDATE", list(order_ids)
    )


def seen(order_id: int) -> Statement:
    """The same without a lock, for a look that decides nothing for good."""
    return Statement(f"{_SEAT} WHERE m.order_id = %s", (order_id,))


def seat(row: Row) -> Seat:
    """A seat from a row of `held` or `seen`."""
    flags = ("quota_held", "in_time", "group_expired", "moves_payers", "simulates", "returns_quota")
    states = {"state": SeatState(row["state"]), "group_state": GroupState(row["group_state"])}
    return Seat(**{**row, **{name: bool(row[name]) for name in flags}, **states})


def pay(one: Seat) -> Statement:
    """RESERVED -> PAID: the seat counts."""
    return _move(one.id, S.RESERVED, S.PAID, ", paid_at = UTC_TIMESTAMP(6)")


def refuse(one: Seat) -> Statement:
    """RESERVED -> REFUNDING: paid, but there is no seat."""
    return _move(one.id, S.RESERVED, S.REFUNDING, ", live = NULL, paid_at = UTC_TIMESTAMP(6)")


def move_away(one: Seat, group_id: int, seat_id: int) -> list[Statement]:
    """RESERVED -> MOVED, and a paid seat in another group, which the order points at from now on."""
    left = _move(one.id, S.RESERVED, S.MOVED, ", live = NULL, order_id = NULL, quota_held = 0, moved_to = %s", group_id)
    values: list[Any] = [
        seat_id, group_id, one.activity_id, one.member_id, one.order_id, one.order_number, one.sku_id, one.units,
    ]  # fmt: skip
    taken = Statement(
        f"INSERT INTO group_buy_member {_COLUMNS} VALUES ({', '.join(['%s'] * len(values))}, 'PAID', 1, 1,"
        " UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))",
        values,
        expect=1,
        on_duplicate=SeatConflict(),
    )
    return [left, taken]


def give_up(one: Seat) -> Statement:
    """RESERVED -> CANCELLED: the order was closed unpaid."""
    return _move(one.id, S.RESERVED, S.CANCELLED, ", live = NULL, quota_held = 0")


def refunded(one: Seat, *, keeps_quota: bool) -> Statement:
    """PAID or REFUNDING -> REFUNDED: every fen went back."""
    return _move(one.id, one.state, S.REFUNDED, f", live = NULL, quota_held = {int(keeps_quota)}")


def settle_paid(group_id: int, target: SeatState) -> Statement:
    """All paid seats of a locked group -> SUCCESS or REFUNDING."""
    return Statement(
        "UPDATE group_buy_member SET state = %s, live = NULL WHERE group_id = %s AND state = 'PAID'",
        (target.value, group_id),
    )


def paid_seats(tx: Tx, group_id: int) -> list[Row]:
    """order_id, order_number and member_id of the paid seats of a locked group, in the order of their orders."""
    return tx.rows(
        "SELECT order_id, order_number, member_id FROM group_buy_member WHERE group_id = %s AND state = 'PAID'"
        " ORDER BY order_id",
        (group_id,),
    )


def to_refund(tx: Tx, limit: int, after_id: int) -> list[Row]:
    """Seats whose money must go back and has not been asked for: id, order_number."""
    return tx.rows(
        "SELECT id, order_number FROM group_buy_member WHERE state = 'REFUNDING' AND refund_asked_at IS NULL"
        " AND id > %s ORDER BY id LIMIT %s",
        (after_id, limit),
    )


def refund_asked(order_id: int) -> Statement:
    """Remember that the refund of the order's seat stands in the books."""
    return Statement(
        "UPDATE group_buy_member SET refund_asked_at = COALESCE(refund_asked_at, UTC_TIMESTAMP(6))"
        " WHERE order_id = %s AND state IN ('REFUNDING', 'REFUNDED')",
        (order_id,),
        expect=1,
        otherwise=SeatConflict(),
    )


def _move(seat_id: int, source: SeatState, target: SeatState, extra: str, *params: Any) -> Statement:
    return Statement(
        f"UPDATE group_buy_member SET state = %s{extra} WHERE id = %s AND state = %s",
        (target.value, *params, seat_id, source.value),
        expect=1,
        otherwise=SeatConflict(),
    )
