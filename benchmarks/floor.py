"""The durable floor: one committed row per transaction, which no order can be faster than."""

from collections.abc import Callable

from orchard.core.ids import new_id
from orchard.runtime.database import Connection, Statement

_TABLE = (
    "CREATE TABLE IF NOT EXISTS benchmark_floor (id BIGINT UNSIGNED NOT NULL PRIMARY KEY, note VARCHAR(40) NOT NULL)"
)


def prepare(db: Connection) -> None:
    """Make the floor's table."""
    db.run(lambda tx: tx.execute(Statement(_TABLE)))


def one_row(db: Connection, number: int) -> Callable[[], None]:
    """INSERT and COMMIT in one packet: the least that a durable write can be with this driver."""

    def insert() -> None:
        db.run(
            lambda tx: tx.at_commit(
                Statement("INSERT INTO benchmark_floor (id, note) VALUES (%s, %s)", (new_id(), str(number)))
            )
        )

    return insert
