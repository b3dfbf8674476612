"""SQL of refunds and their lines. Whoever locks a refund holds the locks of its order and payment."""

from collections.abc import Mapping, Sequence
from typing import Any

from orchard.core.clock import from_database
from orchard.payments.models import HOLDING, RefundKind, RefundRow, RefundState
from orchard.payments.rules import Returned
from orchard.runtime.database import Row, Statement, Tx, insert

_HOLDING = ", ".join(f"'{state.value}'" for state in HOLDING)
_NOW = "UTC_TIMESTAMP(6)"
_REFUND = (
    "SELECT r.id, r.payment_id, r.receipt_id, r.order_id, r.order_number, r.out_refund_no, r.kind, r.amount_fen,"
    " r.reason, r.state, r.tries, r.problem, r.notify_url, r.created_at, COALESCE(m.amount_fen, 0) AS total_fen,"
    " m.transaction_id, COALESCE(m.effective, 0) AS effective"
    " FROM refund r LEFT JOIN payment_receipt m ON m.id = r.receipt_id"
)


def _refund(row: Row) -> RefundRow:
    # COALESCE of an unsigned column comes back as a Decimal.
    typed = {"total_fen": int(row["total_fen"]), "kind": RefundKind(row["kind"]), "state": RefundState(row["state"]),
             "effective": bool(row["effective"]), "created_at": from_database(row["created_at"])}  # fmt: skip
    return RefundRow(**{**row, **typed})


def insert_refund(row: Mapping[str, Any], *, ended: bool = False) -> Statement:
    """A refund's row; unless it has ended, it is due for its first try at once."""
    columns = list(row)
    marks = ", ".join(["%s"] * len(columns))
    times = f"NULL, {_NOW}" if ended else f"{_NOW}, NULL"
    return Statement(
        f"INSERT INTO refund ({', '.join(columns)}, next_try_at, ended_at) VALUES ({marks}, {times})",
        [row[column] for column in columns],
        expect=1,
    )


def insert_refund_lines(rows: Sequence[Mapping[str, Any]]) -> Statement:
    """The lines of a refund."""
    return insert("refund_line", rows)


def refund_by_key(tx: Tx, payment_id: int, key: str) -> RefundRow | None:
    """The refund that this request made before."""
    row = tx.row(f"{_REFUND} WHERE r.payment_id = %s AND r.request_key = %s", (payment_id, key))
    return _refund(row) if row else None


def refund_by_number(tx: Tx, out_refund_no: str) -> RefundRow | None:
    """The refund behind a number, without a lock."""
    row = tx.row(f"{_REFUND} WHERE r.out_refund_no = %s", (out_refund_no,))
    return _refund(row) if row else None


def refund(tx: Tx, refund_id: int, *, lock: bool = False) -> RefundRow | None:
    """The refund by row id; callers that lock it hold its payment's lock."""
    row = tx.row(f"{_REFUND} WHERE r.id = %s{' FOR UPDATE' if lock else ''}", (refund_id,))
    return _refund(row) if row else None


def refunds_of(tx: Tx, order_id: int) -> list[RefundRow]:
    """All refunds of an order, oldest first."""
    return [_refund(row) for row in tx.rows(f"{_REFUND} WHERE r.order_id = %s ORDER BY r.id", (order_id,))]


def refund_lines(tx: Tx, refund_id: int) -> list[Row]:
    """order_line_id, units, goods_fen, freight_fen of a refund."""
    return tx.rows(
        "SELECT order_line_id, units, goods_fen, freight_fen FROM refund_line WHERE refund_id = %s"
        " ORDER BY order_line_id",
        (refund_id,),
    )


def returned(tx: Tx, payment_id: int) -> dict[int, Returned]:
    """By order line, what refunds that are done or under way give back."""
    rows = tx.rows(
        "SELECT l.order_line_id, SUM(l.units) AS units, SUM(l.goods_fen) AS goods_fen,"
        " SUM(l.freight_fen) AS freight_fen FROM refund_line l JOIN refund r ON r.id = l.refund_id"
        f" WHERE r.payment_id = %s AND r.state IN ({_HOLDING}) GROUP BY l.order_line_id",
        (payment_id,),
    )
    return {
        row["order_line_id"]: Returned(int(row["units"]), int(row["goods_fen"]), int(row["freight_fen"]))
        for row in rows
    }


def claim_refund(refund: RefundRow, notify_url: str, again_in: int) -> Statement:
    """Take a refund for one try; affects no row when another run took it. The first one fixes `notify_url`."""
    return Statement(
        f"UPDATE refund SET tries = tries + 1, next_try_at = {_NOW} + INTERVAL %s SECOND,"
        " notify_url = COALESCE(notify_url, %s) WHERE id = %s AND state = %s AND tries = %s"
        f" AND next_try_at <= {_NOW}",
        (again_in, notify_url, refund.id, refund.state.value, refund.tries),
    )


def due_refunds(tx: Tx, limit: int) -> list[RefundRow]:
    """Refunds whose next try or query is due, longest overdue first."""
    where = f" WHERE r.next_try_at <= {_NOW} ORDER BY r.next_try_at LIMIT %s"
    return [_refund(row) for row in tx.rows(_REFUND + where, (limit,))]


def put_off_refund(refund_id: int, problem: str, again_in: int) -> Statement:
    """The try did not settle it; `problem` stays visible until it does."""
    return Statement(
        f"UPDATE refund SET problem = %s, next_try_at = {_NOW} + INTERVAL %s SECOND"
        " WHERE id = %s AND state <> 'SUCCESS' AND state <> 'CLOSED'",
        (problem[:80], again_in, refund_id),
    )


def move_refund(
    refund: RefundRow, target: RefundState, wechat_refund_id: str | None, problem: str, again_in: int | None
) -> Statement:
    """Compare-and-set the state; `again_in` seconds to the next query, None when it is over."""
    over = _NOW if target in {RefundState.SUCCESS, RefundState.CLOSED} else "NULL"
    return Statement(
        f"UPDATE refund SET state = %s, wechat_refund_id = COALESCE(%s, wechat_refund_id), problem = %s,"
        f" next_try_at = {_NOW} + INTERVAL %s SECOND, ended_at = {over} WHERE id = %s AND state = %s",
        (target.value, wechat_refund_id, problem[:80], again_in, refund.id, refund.state.value),
        expect=1,
    )
