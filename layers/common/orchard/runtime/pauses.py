"""Pauses of sweeps: what could not be finished waits for a later turn and starves nobody behind it."""

from collections.abc import Sequence

from orchard.runtime.database import Statement, Tx, placeholders

FIRST_SECONDS = 60
LONGEST_SECONDS = 900
# Sixty seconds doubled four times pass the longest pause; a larger exponent would only overflow.
_MOST_DOUBLINGS = 4


def paused(tx: Tx, sweep: str, item_ids: Sequence[int]) -> set[int]:
    """Those of the items whose next turn has not come, by the database's clock."""
    if not item_ids:
        return set()
    rows = tx.rows(
        f"SELECT item_id FROM retry_pause WHERE sweep = %s AND item_id IN ({placeholders(item_ids)})"
        " AND next_try_at > UTC_TIMESTAMP(6)",
        [sweep, *item_ids],
    )
    return {row["item_id"] for row in rows}


def pause(tx: Tx, sweep: str, item_id: int) -> None:
    """Leave the item alone for a minute, for twice as long after each further try, for 15 minutes at most."""
    wait = f"INTERVAL LEAST({LONGEST_SECONDS}, {FIRST_SECONDS} * POW(2, LEAST(tries, {_MOST_DOUBLINGS}))) SECOND"
    tx.execute(
        Statement(
            "INSERT INTO retry_pause (sweep, item_id, tries, next_try_at)"
            f" VALUES (%s, %s, 1, UTC_TIMESTAMP(6) + INTERVAL {FIRST_SECONDS} SECOND)"
            f" ON DUPLICATE KEY UPDATE next_try_at = UTC_TIMESTAMP(6) + {wait}, tries = LEAST(tries + 1, 1000)",
            (sweep, item_id),
        )
    )


def purge_over(tx: Tx, limit: int) -> int:
    """Delete up to `limit` pauses that ended a day ago: their items were finished, or fail anew from the start."""
    return tx.execute(
        Statement(
            "DELETE FROM retry_pause WHERE next_try_at < UTC_TIMESTAMP(6) - INTERVAL 1 DAY"
            " ORDER BY next_try_at LIMIT %s",
            (limit,),
        )
    )
