"""SQL of payments and of calls to WeChat Pay. Rows are locked order first, then payment, then refund."""

from collections.abc import Mapping, Sequence
from typing import Any

from orchard.payments.models import CallKind, CallRow, CallState, PaymentRow, PaymentState
from orchard.runtime.database import Row, Statement, Tx, placeholders

# Longer than any function that calls WeChat Pay may run: after that, its caller is dead.
IN_FLIGHT_SECONDS = 60
# A prepay_id lives two hours; a sheet that is opened now should still have time to be used.
_PREPAY_MARGIN_SECONDS = 600
_NOW = "UTC_TIMESTAMP(6)"
_PAYMENT = (
    "SELECT id, order_id, order_number, amount_fen, state, prepay_body, prepay_id, closing_at, query_attempt,"
    f" COALESCE(prepay_expires_at > {_NOW} + INTERVAL {_PREPAY_MARGIN_SECONDS} SECOND, 0) AS prepay_lives FROM payment"
)
_CALL = (
    "SELECT c.id, c.payment_id, p.order_number, c.kind, c.state, c.tries,"
    f" c.started_at > {_NOW} - INTERVAL {IN_FLIGHT_SECONDS} SECOND AS recent,"
    f" c.started_at < {_NOW} - INTERVAL 1 DAY AS stuck FROM payment_call c JOIN payment p ON p.id = c.payment_id"
)


def _payment(row: Row) -> PaymentRow:
    plain = {name: row[name] for name in ("id", "order_id", "order_number", "amount_fen", "prepay_body", "prepay_id")}
    return PaymentRow(
        **plain,
        state=PaymentState(row["state"]),
        prepay_lives=bool(row["prepay_lives"]),
        closing=row["closing_at"] is not None,
        query_attempt=row["query_attempt"],
    )


def _call(row: Row) -> CallRow:
    named = {name: row[name] for name in ("id", "payment_id", "order_number", "tries")}
    return CallRow(
        **named,
        kind=CallKind(row["kind"]),
        state=CallState(row["state"]),
        recent=bool(row["recent"]),
        stuck=bool(row["stuck"]),
    )


def insert_payment(row: Mapping[str, Any], *, paid: bool = False) -> Statement:
    """An order's one payment; `paid` for orders that cost nothing."""
    columns = list(row)
    marks = ", ".join(["%s"] * len(columns))
    return Statement(
        f"INSERT INTO payment ({', '.join(columns)}, paid_at) VALUES ({marks}, {_NOW if paid else 'NULL'})",
        [row[column] for column in columns],
        expect=1,
    )


def payment_of(tx: Tx, order_id: int, *, lock: bool = False) -> PaymentRow | None:
    """The order's payment, locked until the transaction ends if asked to."""
    row = tx.row(f"{_PAYMENT} WHERE order_id = %s{' FOR UPDATE' if lock else ''}", (order_id,))
    return _payment(row) if row else None


def askable_orders(tx: Tx, order_ids: Sequence[int]) -> set[int]:
    """Those of the locked orders that WeChat Pay may know of: a payment was begun, and it is not closed for good."""
    rows = tx.rows(
        "SELECT order_id FROM payment FORCE INDEX (one_per_order)"
        f" WHERE order_id IN ({placeholders(order_ids)}) AND state <> %s",
        [*order_ids, PaymentState.CLOSED.value],
    )
    return {row["order_id"] for row in rows}


def lock_payment(tx: Tx, payment_id: int) -> PaymentRow:
    """The payment by row id, locked."""
    rows = tx.rows(f"{_PAYMENT} WHERE id = %s FOR UPDATE", (payment_id,))
    return _payment(rows[0])


def set_prepaid(payment_id: int, prepay_id: str, lives_seconds: int, query_in: int) -> Statement:
    """A new prepay_id, and the ladder of queries from its first rung."""
    return Statement(
        f"UPDATE payment SET state = 'PREPAID', prepay_id = %s, prepay_expires_at = {_NOW} + INTERVAL %s SECOND,"
        f" next_query_at = {_NOW} + INTERVAL %s SECOND, query_attempt = 0"
        " WHERE id = %s AND state IN ('CREATED', 'UNKNOWN', 'PREPAID')",
        (prepay_id, lives_seconds, query_in, payment_id),
    )


def set_state(payment_id: int, target: PaymentState, sources: Sequence[PaymentState]) -> Statement:
    """Move the payment if it stands in one of `sources`."""
    marks = ", ".join(["%s"] * len(sources))
    extra = f", paid_at = {_NOW}, next_query_at = NULL" if target is PaymentState.SUCCESS else ""
    extra += ", next_query_at = NULL" if target is PaymentState.CLOSED else ""
    return Statement(
        f"UPDATE payment SET state = %s{extra} WHERE id = %s AND state IN ({marks})",
        [target.value, payment_id, *(source.value for source in sources)],
    )


def set_closing(payment_id: int) -> Statement:
    """From now on nobody begins a new prepay."""
    return Statement(f"UPDATE payment SET closing_at = COALESCE(closing_at, {_NOW}) WHERE id = %s", (payment_id,))


def due_queries(tx: Tx, limit: int) -> list[PaymentRow]:
    """Payments whose next query is due, longest overdue first."""
    where = f" WHERE next_query_at <= {_NOW} AND state IN ('UNKNOWN', 'PREPAID') ORDER BY next_query_at LIMIT %s"
    return [_payment(row) for row in tx.rows(_PAYMENT + where, (limit,))]


def claim_query(payment_id: int, attempt: int, next_in: int | None) -> Statement:
    """Take one rung of the ladder; affects no row when another run took it."""
    return Statement(
        f"UPDATE payment SET query_attempt = query_attempt + 1, next_query_at = {_NOW} + INTERVAL %s SECOND"
        f" WHERE id = %s AND query_attempt = %s AND next_query_at <= {_NOW}",
        (next_in, payment_id, attempt),
    )


def insert_call(call_id: int, payment_id: int, kind: CallKind) -> Statement:
    """The intent of one call; the sweep looks at it once its caller must be dead."""
    return Statement(
        "INSERT INTO payment_call (id, payment_id, kind, state, started_at, next_try_at)"
        f" VALUES (%s, %s, %s, 'OPEN', {_NOW}, {_NOW} + INTERVAL {IN_FLIGHT_SECONDS} SECOND)",
        (call_id, payment_id, kind.value),
        expect=1,
    )


def end_call(call_id: int, state: CallState, note: str = "") -> Statement:
    """How a call ended; a call that was ended before keeps its end."""
    return Statement(
        f"UPDATE payment_call SET state = %s, note = %s, ended_at = {_NOW}, next_try_at = NULL"
        " WHERE id = %s AND ended_at IS NULL",
        (state.value, note[:80], call_id),
    )


def end_calls_of(payment_id: int, kind: CallKind, state: CallState, note: str) -> Statement:
    """End every open call of one kind: one answer has decided them all."""
    return Statement(
        f"UPDATE payment_call SET state = %s, note = %s, ended_at = {_NOW}, next_try_at = NULL"
        " WHERE payment_id = %s AND kind = %s AND ended_at IS NULL",
        (state.value, note[:80], payment_id, kind.value),
    )


def call_unknown(call_id: int, note: str, again_in: int) -> Statement:
    """No trustworthy answer: the sweep asks again in `again_in` seconds."""
    return Statement(
        f"UPDATE payment_call SET state = 'UNKNOWN', note = %s, next_try_at = {_NOW} + INTERVAL %s SECOND"
        " WHERE id = %s AND ended_at IS NULL",
        (note[:80], again_in, call_id),
    )


def open_calls(tx: Tx, payment_id: int) -> list[CallRow]:
    """The payment's calls that nobody has decided yet."""
    where = " WHERE c.payment_id = %s AND c.state IN ('OPEN', 'UNKNOWN') ORDER BY c.id"
    return [_call(row) for row in tx.rows(_CALL + where, (payment_id,))]


def due_calls(tx: Tx, limit: int) -> list[CallRow]:
    """Calls left open whose next look is due, longest overdue first."""
    where = f" WHERE c.next_try_at <= {_NOW} ORDER BY c.next_try_at LIMIT %s"
    return [_call(row) for row in tx.rows(_CALL + where, (limit,))]


def claim_call(call: CallRow, again_in: int) -> Statement:
    """Take a left-open call for one look; affects no row when another run took it."""
    return Statement(
        f"UPDATE payment_call SET tries = tries + 1, next_try_at = {_NOW} + INTERVAL %s SECOND"
        f" WHERE id = %s AND tries = %s AND next_try_at <= {_NOW}",
        (again_in, call.id, call.tries),
    )
