"""One private MariaDB per test run, migrated once, emptied before each test."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.mariadb import MariaDb
from orchard.runtime import migrations
from orchard.runtime.database import Connection, Statement

CACHE = Path(__file__).parents[2] / ".cache"
NAME = "orchard_test"


@contextmanager
def private_server(folder: Path, *options: str) -> Iterator[MariaDb]:
    """A running server with an empty database called NAME. Commits survive a killed server, not a power cut."""
    with MariaDb(folder, CACHE, durable=False, options=options) as server:
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE IF NOT EXISTS {NAME} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        yield server


def migrate(connection: Connection) -> None:
    """Apply the project's migrations."""
    migrations.apply(connection)


def tables(connection: Connection) -> list[str]:
    """Every table but the migration history."""
    rows = connection.run(
        lambda tx: tx.rows(
            "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()"
            " AND table_type = 'BASE TABLE' AND table_name <> 'schema_migration' ORDER BY table_name"
        )
    )
    return [row["name"] for row in rows]


# Rows that migrations themselves put in are kept: they are part of the schema.
def empty(connection: Connection, names: list[str], seeds: dict[str, list[dict[str, object]]]) -> None:
    """Delete every row, then put back what the migrations had seeded."""
    from orchard.runtime.database import insert

    statements = [Statement(f"DELETE FROM {name}") for name in names]
    statements += [insert(name, rows) for name, rows in seeds.items() if rows]
    connection.run(lambda tx: tx.packet(statements))


def seeded_rows(connection: Connection, names: list[str]) -> dict[str, list[dict[str, object]]]:
    """What freshly migrated tables hold."""
    return {name: connection.run(lambda tx, name=name: tx.rows(f"SELECT * FROM {name}")) for name in names}  # type: ignore[misc]
