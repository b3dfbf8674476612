"""The driver with a memory answers exactly as PyMySQL does, the first time and every time after."""

from typing import Any

import pymysql
import pytest
from pymysql.constants import CLIENT
from pymysql.cursors import DictCursor

from orchard.runtime import settings
from orchard.runtime.database import Connection

QUERIES = [
    "SELECT 1 AS n, NULL AS nothing, '' AS empty, 18446744073709551615 AS most, -1.50 AS decimal_one, 2e0 AS real_one",
    "SELECT CAST('2026-11-23 01:02:03.000004' AS DATETIME(6)) AS at, DATE '2026-11-23' AS day, TIME '-25:00:01' AS t",
    "SELECT x'00ff' AS raw, '红富士' AS name, _latin1 x'e9' AS latin, CAST('{\"a\": 1}' AS CHAR) AS doc",
    "SELECT 1 AS a, 2 AS a",
    "SELECT 1 AS n WHERE 1 = 0",
    *(f"SELECT 'x' AS before_it, REPEAT('果', {length}) AS text, 'y' AS behind_it" for length in (83, 84, 250, 22_000)),
    *(f"SELECT REPEAT('a', {length}) AS text UNION ALL SELECT NULL" for length in (0, 250, 251, 252, 65_536)),
]


def _plain() -> "pymysql.Connection[DictCursor]":
    group = settings.database()
    return pymysql.connect(
        host=group.host, port=group.port, user=group.user, password=group.password.get_secret_value(),
        database=group.name, charset="utf8mb4", cursorclass=DictCursor, ssl_disabled=True,
        client_flag=CLIENT.MULTI_STATEMENTS | CLIENT.FOUND_ROWS,
    )  # fmt: skip


def _read(link: Any, sql: str) -> list[tuple[Any, Any, Any]]:
    """Every result of a packet: its rows, description and count."""
    found = []
    with link.cursor() as cursor:
        cursor.execute(sql)
        found.append((list(cursor.fetchall()), cursor.description, cursor.rowcount))
        while cursor.nextset():
            found.append((list(cursor.fetchall()), cursor.description, cursor.rowcount))
    return found


@pytest.mark.parametrize("sql", [*QUERIES, ";".join(QUERIES)])
def test_answers_are_those_of_the_library(db: Connection, sql: str) -> None:
    with _plain() as plain:
        expected = _read(plain, sql)
    for _ in range(3):
        assert _read(db.get(), sql) == expected


def test_the_same_text_with_other_columns_is_another_statement(db: Connection) -> None:
    for kind, value in (("INT", 7), ("VARCHAR(8)", "7"), ("DECIMAL(4, 2)", None)):
        for statement in ("DROP TEMPORARY TABLE IF EXISTS seen", f"CREATE TEMPORARY TABLE seen (n {kind})"):
            _read(db.get(), statement)
        with db.get().cursor() as cursor:
            cursor.execute("INSERT INTO seen VALUES (%s)", (value,))
        assert _read(db.get(), "SELECT n FROM seen")[0][0] == [{"n": value}]


def test_an_error_in_the_middle_leaves_the_connection_usable(db: Connection) -> None:
    for _ in range(2):
        with pytest.raises(pymysql.err.OperationalError):
            _read(db.get(), "SELECT 1 AS n; SELECT missing FROM stock; SELECT 2 AS n")
        assert _read(db.get(), "SELECT 3 AS n")[0][0] == [{"n": 3}]


def test_what_is_remembered_is_bounded(db: Connection) -> None:
    link: Any = db.get()
    for number in range(1100):
        _read(link, f"SELECT {number} AS n{number}")
    assert 0 < len(link.columns) <= 1024
