"""Members' coupons: issue, read, and every step of their lives with its event row."""

import json
from collections.abc import Sequence
from datetime import datetime

from orchard.core.clock import from_database
from orchard.core.errors import AppError, InvalidInput
from orchard.core.paging import Key
from orchard.coupons.models import (
    Coupon,
    CouponKind,
    CouponState,
    CouponStateConflict,
    CouponTaken,
    Scope,
    ScopeKind,
    Terms,
)
from orchard.runtime.database import Row, Statement, Tx, insert, placeholders

MOST_PROPOSED = 100
_TERMS = "name, kind, amount_fen, percent_off, cap_fen, threshold_fen, scope_kind, scope, returns_on_refund"
_START = "CASE WHEN t.valid_days IS NULL THEN t.valid_from ELSE UTC_TIMESTAMP(6) END"
_END = (
    "CASE WHEN t.valid_days IS NULL THEN t.valid_until ELSE UTC_TIMESTAMP(6) + INTERVAL COALESCE(t.valid_days, 0) DAY"
    " END"
)
_SEEN = (
    "SELECT c.id, c.template_id, c.template_version, c.state, c.version, c.name, c.kind, c.amount_fen, c.percent_off,"
    " c.cap_fen, c.threshold_fen, c.scope_kind, c.scope, c.budgeted, c.starts_at, c.ends_at,"
    " c.starts_at <= UTC_TIMESTAMP(6) AS started, c.ends_at <= UTC_TIMESTAMP(6) AS ended, CASE WHEN c.budgeted = 1"
    " THEN CAST(t.budget_fen AS SIGNED) - CAST(t.budget_spent_fen AS SIGNED) END AS budget_left_fen"
    " FROM coupon c JOIN coupon_template t ON t.id = c.template_id"
)


def issue(coupon_id: int, template_id: int, member_id: int, slot: int, taken: AppError) -> list[Statement]:
    """A coupon with the template's terms of this moment, and its first event; raises `taken` for a used slot.

    Its owner is reminded a day before the end where it lives longer than two.
    """
    coupon = Statement(
        f"INSERT INTO coupon (id, template_id, template_version, member_id, slot, state, version, {_TERMS},"
        " budgeted, starts_at, ends_at, remind_at, claimed_at)"
        f" SELECT %s, t.id, t.version, %s, %s, %s, 1, {', '.join(f't.{name.strip()}' for name in _TERMS.split(','))},"
        f" t.budget_fen IS NOT NULL, {_START}, {_END},"
        f" CASE WHEN {_END} > UTC_TIMESTAMP(6) + INTERVAL 2 DAY THEN {_END} - INTERVAL 1 DAY END, UTC_TIMESTAMP(6)"
        " FROM coupon_template t WHERE t.id = %s",
        (coupon_id, member_id, slot, CouponState.AVAILABLE.value, template_id),
        expect=1,
        on_duplicate=taken,
    )
    return [coupon, _event(coupon_id, 1, None, CouponState.AVAILABLE, "claimed")]


def _event(
    coupon_id: int,
    version: int,
    source: CouponState | None,
    target: CouponState,
    reason: str,
    order_id: int | None = None,
    discount_fen: int | None = None,
) -> Statement:
    row = {
        "coupon_id": coupon_id,
        "version": version,
        "from_state": source.value if source else None,
        "to_state": target.value,
        "reason": reason,
        "order_id": order_id,
        "discount_fen": discount_fen,
    }
    return insert("coupon_event", [row], on_duplicate=CouponStateConflict())


def wallet(member_id: int) -> Statement:
    """What a member could use now or later, what ends first in front, at most MOST_PROPOSED."""
    return Statement(
        f"{_SEEN} WHERE c.member_id = %s AND c.state = %s AND c.ends_at > UTC_TIMESTAMP(6)"
        " ORDER BY c.ends_at, c.id LIMIT %s",
        (member_id, CouponState.AVAILABLE.value, MOST_PROPOSED),
    )


def owned(member_id: int, coupon_id: int) -> Statement:
    """One coupon of this member, in whatever state."""
    return Statement(f"{_SEEN} WHERE c.id = %s AND c.member_id = %s", (coupon_id, member_id))


def coupon(row: Row) -> Coupon:
    """A coupon from a row of `wallet` or `owned`."""
    return Coupon(
        id=row["id"],
        template_id=row["template_id"],
        template_version=row["template_version"],
        state=CouponState(row["state"]),
        version=row["version"],
        name=row["name"],
        terms=terms(row),
        started=bool(row["started"]),
        ended=bool(row["ended"]),
        ends_at=from_database(row["ends_at"]),
        budgeted=bool(row["budgeted"]),
        budget_left_fen=row["budget_left_fen"],
    )


def terms(row: Row) -> Terms:
    """The terms in a row of a coupon or a template."""
    scope = json.loads(row["scope"])
    return Terms(
        kind=CouponKind(row["kind"]),
        amount_fen=row["amount_fen"],
        percent_off=row["percent_off"],
        cap_fen=row["cap_fen"],
        threshold_fen=row["threshold_fen"],
        scope=Scope(ScopeKind(row["scope_kind"]), **{name: frozenset(ids) for name, ids in scope.items()}),
    )


def lock(chosen: Coupon, member_id: int, order_id: int, discount_fen: int, eligible_fen: int) -> list[Statement]:
    """AVAILABLE -> LOCKED for an order: still the member's, still unused, in time by the database's clock."""
    moved = Statement(
        "UPDATE coupon SET state = %s, version = version + 1, order_id = %s, discount_fen = %s, eligible_fen = %s,"
        " locked_at = UTC_TIMESTAMP(6) WHERE id = %s AND member_id = %s AND state = %s AND version = %s"
        " AND starts_at <= UTC_TIMESTAMP(6) AND ends_at > UTC_TIMESTAMP(6)",
        (
            CouponState.LOCKED.value, order_id, discount_fen, eligible_fen,
            chosen.id, member_id, CouponState.AVAILABLE.value, chosen.version,
        ),
        expect=1,
        otherwise=CouponTaken(),
    )  # fmt: skip
    step = _event(
        chosen.id, chosen.version + 1, CouponState.AVAILABLE, CouponState.LOCKED, "ordered", order_id, discount_fen
    )
    return [moved, step]


def held(order_ids: Sequence[int]) -> Statement:
    """The coupons that orders hold or used, in key order."""
    return Statement(
        "SELECT id, template_id, state, version, budgeted, discount_fen, order_id, returns_on_refund,"
        f" ends_at <= UTC_TIMESTAMP(6) AS ended FROM coupon WHERE order_id IN ({placeholders(order_ids)}) ORDER BY id",
        list(order_ids),
    )


def use(row: Row) -> list[Statement]:
    """LOCKED -> USED; `row` comes from `held`."""
    step = _event(
        row["id"],
        row["version"] + 1,
        CouponState.LOCKED,
        CouponState.USED,
        "paid",
        row["order_id"],
        row["discount_fen"],
    )
    return [_move(row, CouponState.LOCKED, CouponState.USED, ""), step]


def set_free(row: Row, source: CouponState, target: CouponState, reason: str) -> list[Statement]:
    """LOCKED or USED -> AVAILABLE or EXPIRED: no order holds it any more."""
    freed = ", order_id = NULL, discount_fen = NULL, eligible_fen = NULL, locked_at = NULL"
    step = _event(
        row["id"], row["version"] + 1, source, target, reason, row["order_id"], row["discount_fen"]
    )  # fmt: skip
    return [_move(row, source, target, freed), step]


def _move(row: Row, source: CouponState, target: CouponState, extra: str) -> Statement:
    return Statement(
        f"UPDATE coupon SET state = %s, version = version + 1{extra} WHERE id = %s AND state = %s AND version = %s",
        (target.value, row["id"], source.value, row["version"]),
        expect=1,
        otherwise=CouponStateConflict(),
    )


def page_key(key: Key | None) -> tuple[datetime, int] | None:
    """The (ends_at, id) in a cursor's key. Raises InvalidInput for what is no time."""
    if key is None:
        return None
    try:
        return datetime.fromisoformat(str(key[0])), int(key[1])
    except ValueError:
        raise InvalidInput("翻页参数无效", field="cursor") from None


def page(tx: Tx, member_id: int, state: CouponState, after: tuple[datetime, int] | None, limit: int) -> list[Row]:
    """A member's coupons in one state, what ends first in front; an ended one counts as expired before the sweep."""
    live = "AND c.ends_at > UTC_TIMESTAMP(6)" if state is CouponState.AVAILABLE else ""
    states = [state.value]
    if state is CouponState.EXPIRED:
        states.append(CouponState.AVAILABLE.value)
        live = "AND c.ends_at <= UTC_TIMESTAMP(6)"
    where = " AND (c.ends_at > %s OR (c.ends_at = %s AND c.id > %s))" if after else ""
    return tx.rows(
        f"{_SEEN} WHERE c.member_id = %s AND c.state IN ({placeholders(states)}) {live}{where}"
        " ORDER BY c.ends_at, c.id LIMIT %s",
        [member_id, *states, *([after[0], after[0], after[1]] if after else []), limit],
    )


def ended_ids(tx: Tx, limit: int) -> list[int]:
    """Unused coupons past their end, without a lock."""
    rows = tx.rows(
        "SELECT id FROM coupon FORCE INDEX (by_end) WHERE state = %s AND ends_at <= UTC_TIMESTAMP(6)"
        " ORDER BY ends_at, id LIMIT %s",
        (CouponState.AVAILABLE.value, limit),
    )
    return [row["id"] for row in rows]


def lock_ended(tx: Tx, ids: Sequence[int]) -> list[Row]:
    """Those of the coupons that are still to expire, locked in key order."""
    return tx.rows(
        f"SELECT id, version FROM coupon WHERE id IN ({placeholders(ids)}) AND state = %s"
        " AND ends_at <= UTC_TIMESTAMP(6) ORDER BY id FOR UPDATE",
        [*ids, CouponState.AVAILABLE.value],
    )


def expire(rows: Sequence[Row]) -> list[Statement]:
    """AVAILABLE -> EXPIRED for coupons from `lock_ended`."""
    events = [
        {
            "coupon_id": row["id"],
            "version": row["version"] + 1,
            "from_state": CouponState.AVAILABLE.value,
            "to_state": CouponState.EXPIRED.value,
            "reason": "ended",
        }
        for row in rows
    ]
    ids = [row["id"] for row in rows]
    moved = Statement(
        f"UPDATE coupon SET state = %s, version = version + 1 WHERE id IN ({placeholders(ids)}) AND state = %s",
        [CouponState.EXPIRED.value, *ids, CouponState.AVAILABLE.value],
        expect=len(ids),
    )
    return [insert("coupon_event", events), moved]


def due_reminders(tx: Tx, limit: int) -> list[Row]:
    """Unused coupons whose owners are to be reminded now: id, member_id, name, ends_at; locked in key order."""
    found = tx.rows(
        "SELECT id FROM coupon FORCE INDEX (by_reminder) WHERE state = %s AND remind_at <= UTC_TIMESTAMP(6)"
        " AND ends_at > UTC_TIMESTAMP(6) ORDER BY remind_at, id LIMIT %s",
        (CouponState.AVAILABLE.value, limit),
    )
    if not found:
        return []
    ids = [row["id"] for row in found]
    return tx.rows(
        f"SELECT id, member_id, name, ends_at FROM coupon WHERE id IN ({placeholders(ids)}) AND state = %s"
        " AND remind_at IS NOT NULL ORDER BY id FOR UPDATE",
        [*ids, CouponState.AVAILABLE.value],
    )


def mark_reminded(ids: Sequence[int]) -> Statement:
    """Remind no second time."""
    return Statement(
        f"UPDATE coupon SET remind_at = NULL WHERE id IN ({placeholders(ids)})", list(ids), expect=len(ids)
    )
