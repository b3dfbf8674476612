"""One private server per test run, migrated once, emptied before each test: MariaDB, or MySQL if
ORCHARD_DATABASE_SERVER=mysql.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.local.mariadb import MariaDb
from infra.local.mysql import MySql
from infra.local.mysql_binaries import ensure_mysql
from infra.local.processes import LocalCloudError
from orchard.runtime import migrations
from orchard.runtime.database import Connection, Statement

CACHE = Path(__file__).parents[2] / ".cache"
NAME = "orchard_test"


@contextmanager
def private_server(folder: Path, *options: str) -> Iterator[MariaDb]:
    """A running server with an empty database called NAME. Commits survive a killed server, not a power cut."""
    with _flavour()(folder, CACHE, durable=False, options=options) as server:
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE IF NOT EXISTS {NAME} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        yield server


def _flavour() -> type[MariaDb]:
    """The server that was asked for; the test is skipped where that is a MySQL that cannot be had."""
    wanted = os.environ.get("ORCHARD_DATABASE_SERVER", "mariadb")
    if wanted == "mariadb":
        return MariaDb
    if wanted != "mysql":
        raise ValueError(f"ORCHARD_DATABASE_SERVER is mariadb or mysql, not {wanted}")
    try:
        ensure_mysql(CACHE)
    except LocalCloudError as error:
        pytest.skip(str(error))
    return MySql


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
