"""Deletes rows past their time, in small transactions that hold few locks."""

from collections.abc import Callable

from orchard.runtime import idempotency, inbox, outbox, pauses, sessions
from orchard.runtime.database import Connection, Tx
from orchard.runtime.jobs import Counts, TimeLeft

BATCH = 1000
_PURGES: dict[str, Callable[[Tx, int], int]] = {
    "sessions": sessions.purge_expired,
    "idempotency": idempotency.purge_expired,
    "outbox": outbox.purge_published,
    "consumed_events": outbox.purge_consumed,
    "notifications": inbox.purge_processed,
    "pauses": pauses.purge_over,
}


def purge_expired_rows(connection: Connection, time_left: TimeLeft) -> Counts:
    """Purge every kind while time is left; returns how many rows of each went."""
    return {name: _purge(connection, time_left, purge) for name, purge in _PURGES.items()}


def _purge(connection: Connection, time_left: TimeLeft, purge: Callable[[Tx, int], int]) -> int:
    total = 0
    while time_left:
        deleted = connection.run(lambda tx: purge(tx, BATCH))
        total += deleted
        if deleted < BATCH:
            break
    return total
