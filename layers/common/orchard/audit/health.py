"""The shop's pulse: a few figures that say whether money and messages flow, each read from an index, in one round trip.

Whatever is counted is counted up to `MOST` rows, so that a bad day makes no query slow. Ages are by the database's
clock.
"""

from datetime import datetime, timedelta

from orchard.core.clock import from_database, utc_now
from orchard.runtime.database import Connection, Row, Statement

MOST = 1000
_NOW = "UTC_TIMESTAMP(6)"


def _age(column: str) -> str:
    # Time stamps of another machine may lie a little ahead.
    return f"GREATEST(0, COALESCE(TIMESTAMPDIFF(SECOND, {column}, {_NOW}), 0))"


def _gauge(count: str, age: str, rows: str) -> Statement:
    return Statement(f"SELECT COUNT(*) AS {count}, {_age('MIN(since)')} AS {age} FROM ({rows} LIMIT {MOST}) AS waiting")


# Gauge and age of the oldest, in seconds. The derived tables are ranges of one index, oldest rows first where it has
# that order: behind MOST rows an age may be understated, never a count that alarms.
STATEMENTS = (
    Statement(f"SELECT {_NOW} AS DatabaseNow"),
    _gauge(
        "OverdueUnpaidOrders",
        "OldestOverdueUnpaidOrderSeconds",
        "SELECT expires_at AS since FROM orders FORCE INDEX (by_state_expiry)"
        f" WHERE state = 'PENDING_PAY' AND expires_at <= {_NOW} ORDER BY expires_at",
    ),
    _gauge(
        "UnsentEvents",
        "OutboxLagSeconds",
        "SELECT created_at AS since FROM outbox FORCE INDEX (by_publication) WHERE published_at IS NULL ORDER BY id",
    ),
    # A call that its caller may still be waiting for is no riddle yet.
    _gauge(
        "UnknownCalls",
        "OldestUnknownCallSeconds",
        "SELECT started_at AS since FROM payment_call FORCE INDEX (open_calls) WHERE next_try_at IS NOT NULL"
        f" AND started_at < {_NOW} - INTERVAL 60 SECOND ORDER BY next_try_at",
    ),
    # Not yet known to WeChat Pay, or not known to be known there.
    _gauge(
        "UnsentRefunds",
        "OldestUnsentRefundSeconds",
        "SELECT created_at AS since FROM refund FORCE INDEX (due_refunds) WHERE next_try_at IS NOT NULL"
        " AND state = 'CREATED' ORDER BY next_try_at",
    ),
    _gauge(
        "UnprocessedNotifications",
        "OldestNotificationSeconds",
        "SELECT received_at AS since FROM callback_inbox FORCE INDEX (by_processing) WHERE processed_at IS NULL"
        " ORDER BY id",
    ),
    _gauge(
        "OpenPaymentExceptions",
        "OldestPaymentExceptionSeconds",
        "SELECT first_at AS since FROM payment_exception FORCE INDEX (open_exceptions) WHERE resolved_at IS NULL"
        " ORDER BY id",
    ),
)


def gauges(connection: Connection) -> dict[str, float]:
    """Every gauge by its metric's name: counts, seconds, and how far database and function clocks are apart."""
    connection.run(lambda tx: tx.rows("SELECT 1"))
    asked = utc_now()
    results = connection.run(lambda tx: tx.packet(STATEMENTS))
    took = utc_now() - asked
    clock, *waiting = (result.rows[0] for result in results)
    merged: dict[str, float] = {"DatabaseClockSkewSeconds": _skew(clock, asked + took / 2, took)}
    for row in waiting:
        merged |= {name: float(value) for name, value in row.items()}
    return merged


def _skew(clock: Row, between: datetime, took: timedelta) -> float:
    # The answer may have been given at any moment of the round trip: that much is no skew.
    apart = abs((from_database(clock["DatabaseNow"]) - between).total_seconds())
    return max(0.0, apart - took.total_seconds() / 2)
