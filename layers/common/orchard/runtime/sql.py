"""SQL statements as values: what to send, what it must do, what to raise when it does not."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pymysql

from orchard.core.errors import AppError

Row = dict[str, Any]
Params = Sequence[Any] | Mapping[str, Any] | None
_LOCKING = ("FOR UPDATE", "FOR SHARE", "LOCK IN SHARE MODE")


class Statement(NamedTuple):
    """One SQL statement for a packet, with what to raise when it does not do exactly what it should.

    `expect`: affected rows it must report, else `otherwise`. `on_duplicate`: raised instead of a duplicate-key error.
    """

    sql: str
    params: Params = None
    expect: int | None = None
    otherwise: AppError | None = None
    on_duplicate: AppError | None = None


class Result(NamedTuple):
    """What a statement of a packet did: its rows, and its affected-row count."""

    rows: list[Row]
    affected: int


def insert(
    table: str, rows: Sequence[Mapping[str, Any]], *, tail: str = "", on_duplicate: AppError | None = None
) -> Statement:
    """One multi-row INSERT whose count must be exactly `len(rows)` (unless `tail` adds ON DUPLICATE KEY UPDATE)."""
    columns = list(rows[0])
    marks = f"({', '.join(['%s'] * len(columns))})"
    # Table and column names come from our own stores, never from input; every value is a placeholder.
    sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([marks] * len(rows))} {tail}"
    params = [row[column] for row in rows for column in columns]
    return Statement(sql.rstrip(), params, expect=None if tail else len(rows), on_duplicate=on_duplicate)


def placeholders(values: Sequence[Any]) -> str:
    """`%s, %s, ...` for an IN list; refuses an empty one (ValueError), which SQL would not parse."""
    if not values:
        raise ValueError("empty IN list")
    return ", ".join(["%s"] * len(values))


def escape(sql: str, params: Params) -> str:
    """The statement with its values escaped by the driver (strict mode and NO_BACKSLASH_ESCAPES off, as we set)."""
    if params is None:
        return sql
    if isinstance(params, Mapping):
        return sql % {name: _literal(value) for name, value in params.items()}
    return sql % tuple(map(_literal, params))


def _literal(value: Any) -> str:
    # The two most common first: bulk loads spend most of their time here.
    if type(value) is int:
        return str(value)
    if type(value) is str:
        return f"'{pymysql.converters.escape_string(value)}'"
    if isinstance(value, list | tuple | set | dict):
        raise TypeError("containers are not SQL values")
    return str(pymysql.converters.escape_item(value, "utf8mb4"))


def has_effects(sql: str) -> bool:
    """Whether a statement writes or locks: anything but a plain SELECT."""
    text = sql.lstrip().upper()
    return not text.startswith("SELECT") or any(lock in text for lock in _LOCKING)
