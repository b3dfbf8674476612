"""How far walks through tables by id have come, so that each run of a job goes on where the last one stopped."""

from dataclasses import dataclass

from orchard.runtime.database import Statement, Tx

_NOW = "UTC_TIMESTAMP(6)"


@dataclass(frozen=True, slots=True)
class Progress:
    """Everything up to id `position` was seen in this pass; `resting` until the next pass is due."""

    position: int
    resting: bool


def progress(tx: Tx, walk: str, rest_hours: int) -> Progress:
    """Where the walk stands; a new pass begins `rest_hours` after the last one began, or at once if it took longer."""
    row = tx.row(
        f"SELECT position, position = 0 AND completed_at IS NOT NULL AND started_at > {_NOW} - INTERVAL %s HOUR"
        " AS resting FROM walk_cursor WHERE walk = %s",
        (rest_hours, walk),
    )
    return Progress(row["position"], bool(row["resting"])) if row else Progress(0, resting=False)


def advance(tx: Tx, walk: str, start: int, position: int) -> None:
    """Remember that the ids from `start` to `position` were seen; a pass begins where `start` is 0."""
    tx.execute(
        Statement(
            f"INSERT INTO walk_cursor (walk, position, started_at) VALUES (%s, %s, {_NOW}) ON DUPLICATE KEY UPDATE"
            f" started_at = IF(%s = 0, {_NOW}, started_at), position = VALUES(position)",
            (walk, position, start),
        )
    )


def complete(tx: Tx, walk: str, start: int) -> None:
    """Remember that the pass reached the last row; `start` as for `advance`."""
    advance(tx, walk, start, 0)
    tx.execute(Statement(f"UPDATE walk_cursor SET completed_at = {_NOW} WHERE walk = %s", (walk,)))


def oldest_pass_seconds(tx: Tx) -> int:
    """Age of the oldest complete pass of all walks, or of a first pass that has not ended; 0 without any."""
    row = tx.row(
        f"SELECT COALESCE(TIMESTAMPDIFF(SECOND, MIN(COALESCE(completed_at, started_at)), {_NOW}), 0) AS age"
        " FROM walk_cursor"
    )
    return int(row["age"]) if row else 0
