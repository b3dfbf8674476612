"""One connection per warm function, whole transactions, and packets of statements.

Rules kept here so that nobody has to remember them:
- the first packet of every transaction starts with ROLLBACK, which checks the connection, clears whatever a frozen
  environment left open, and costs no round trip of its own;
- a lost connection is replaced only there, never inside a transaction;
- deadlocks (1213), lock time-outs (1205), 1020 and a connection lost before COMMIT repeat the whole transaction with
  jitter; a connection lost during COMMIT is an unknown outcome and is said so (`CommitUnknown`).
"""

import random
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import pymysql
from pymysql.constants import CLIENT
from pymysql.cursors import DictCursor

from orchard.core.errors import AppError, Unavailable
from orchard.runtime import settings

Row = dict[str, Any]
Params = Sequence[Any] | Mapping[str, Any] | None
T = TypeVar("T")

CONNECT_TIMEOUT_SECONDS = 3
STATEMENT_TIMEOUT_SECONDS = 15
MAX_ATTEMPTS = 4
_DUPLICATE_KEY = 1062
_RETRYABLE = {1205, 1213, 1020}
# Gone away, lost, refused, server shutdown, read-only primary after a fail-over, too many connections.
_LOST = {2003, 2006, 2013, 1053, 1290, 1836, 1040, 1927, 0}


class CommitUnknown(Unavailable):
    """The connection broke while COMMIT was under way: it may or may not have happened."""

    code = "commit_unknown"


class DatabaseLost(Exception):
    """The connection broke before COMMIT: nothing was changed, so the whole transaction may be repeated."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement for a packet, with what to raise when it does not do exactly what it should.

    `expect`: affected rows it must report, else `otherwise`. `on_duplicate`: raised instead of a duplicate-key error.
    """

    sql: str
    params: Params = None
    expect: int | None = None
    otherwise: AppError | None = None
    on_duplicate: AppError | None = None


@dataclass(frozen=True, slots=True)
class Result:
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


class Connection:
    """The process's one connection, opened at need. `round_trips` counts packets sent, for tests and benchmarks."""

    def __init__(self, load_settings: Callable[[], settings.DatabaseSettings] = settings.database) -> None:
        self._load_settings = load_settings
        self._connection: pymysql.connections.Connection[DictCursor] | None = None
        self.round_trips = 0

    def _open(self) -> "pymysql.connections.Connection[DictCursor]":
        group = self._load_settings()
        return pymysql.connect(
            host=group.host, port=group.port, user=group.user, database=group.name,
            password=group.password.get_secret_value(), charset="utf8mb4", autocommit=False,
            client_flag=CLIENT.MULTI_STATEMENTS | CLIENT.FOUND_ROWS, cursorclass=DictCursor,
            connect_timeout=CONNECT_TIMEOUT_SECONDS, read_timeout=STATEMENT_TIMEOUT_SECONDS,
            write_timeout=STATEMENT_TIMEOUT_SECONDS,
            **({"ssl": _tls_context(group.tls_ca)} if group.tls_ca else {"ssl_disabled": True}),
        )  # fmt: skip

    def get(self) -> "pymysql.connections.Connection[DictCursor]":
        """The open connection, or a new one. Only the first packet of a transaction may call this."""
        if self._connection is None or not self._connection.open:
            self._connection = self._open()
        return self._connection

    def discard(self) -> None:
        """Forget the connection; whatever was open on it is rolled back by the server."""
        connection, self._connection = self._connection, None
        if connection is not None and connection.open:
            connection._force_close()

    def transaction(self) -> "Tx":
        """A transaction that opens itself with its first statement."""
        return Tx(self)

    def run(self, work: "Callable[[Tx], T]") -> T:
        """Run `work` in a transaction of its own and commit; repeats it whole on deadlocks and lost connections.

        Raises what `work` raises, CommitUnknown, or Unavailable once the attempts are used up.
        """
        for attempt in range(MAX_ATTEMPTS):
            tx = self.transaction()
            try:
                result = work(tx)
                tx.commit()
            except BaseException as error:
                tx.rollback()
                if not is_retryable(error) or isinstance(error, CommitUnknown):
                    raise
                pause(attempt)
            else:
                return result
        raise Unavailable


class Tx:
    """One transaction. Statements run under READ COMMITTED; nothing is sent until the first of them."""

    def __init__(self, connection: Connection) -> None:
        self._owner = connection
        self._open = False
        self._has_effects = False
        self._at_commit: list[Statement] = []

    def packet(self, statements: Sequence[Statement]) -> list[Result]:
        """Send statements in one round trip and check each one's outcome in order.

        Raises the failing statement's own typed error; the transaction must then be rolled back.
        """
        first = not self._open
        self._has_effects = self._has_effects or any(_has_effects(s.sql) for s in statements)
        cursor = self._send([escape(s.sql, s.params) for s in statements], first)
        results: list[Result] = []
        try:
            for position, statement in enumerate(statements):
                # The leading ROLLBACK of a transaction's first packet has a result of its own.
                if (position or first) and not cursor.nextset():
                    raise RuntimeError("fewer results than statements")
                results.append(_checked(statement, cursor))
        except (pymysql.MySQLError, OSError) as error:
            raise self._translated(error, statements[len(results)]) from error
        finally:
            self._drain(cursor)
        return results

    def rows(self, sql: str, params: Params = None) -> list[Row]:
        """All rows of one query."""
        return self.packet([Statement(sql, params)])[0].rows

    def row(self, sql: str, params: Params = None) -> Row | None:
        """The first row of one query, or None."""
        rows = self.rows(sql, params)
        return rows[0] if rows else None

    def execute(self, statement: Statement) -> int:
        """Run one statement; its affected rows (matched rows, for an UPDATE)."""
        return self.packet([statement])[0].affected

    def at_commit(self, statement: Statement) -> None:
        """Send `statement` in the same packet as COMMIT, just before it."""
        self._at_commit.append(statement)

    def commit(self) -> None:
        """Commit what was done, if anything. Raises CommitUnknown when the connection breaks under way.

        After plain reads there is nothing to commit and no lock to give up, so nothing is sent.
        """
        if not self._has_effects and not self._at_commit:
            self._open = False
            return
        last = [*self._at_commit, Statement("COMMIT")]
        self._at_commit = []
        try:
            self.packet(last)
        except DatabaseLost:
            raise CommitUnknown from None
        self._open = self._has_effects = False

    def rollback(self) -> None:
        """Undo everything, quietly: a connection that cannot even roll back is dropped, which does the same."""
        self._at_commit = []
        if not self._has_effects:
            self._open = False
        if self._open:
            self._open = self._has_effects = False
            try:
                self._owner.round_trips += 1
                self._owner.get().rollback()
            except (pymysql.MySQLError, OSError):
                self._owner.discard()

    def _send(self, parts: list[str], first: bool) -> DictCursor:
        try:
            return self._execute(parts, first)
        except DatabaseLost:
            if not first:
                raise
            # Nothing of ours was open yet, so a fresh connection may take the same packet once.
            return self._execute(parts, first)

    def _execute(self, parts: list[str], first: bool) -> DictCursor:
        try:
            cursor = self._owner.get().cursor()
            self._owner.round_trips += 1
            self._open = True
            cursor.execute(";\n".join(["ROLLBACK", *parts] if first else parts))
        except (pymysql.MySQLError, OSError) as error:
            raise self._translated(error, None) from error
        return cursor

    def _drain(self, cursor: DictCursor) -> None:
        # Unread results of a failed packet would be taken for the next packet's.
        if not self._open:
            return
        try:
            cursor.close()
        except (pymysql.MySQLError, OSError) as error:
            self._translated(error, None)

    def _translated(self, error: Exception, statement: Statement | None) -> Exception:
        code = error.args[0] if error.args else None
        if isinstance(error, OSError | pymysql.InterfaceError) or code in _LOST:
            self._open = False
            self._owner.discard()
            return DatabaseLost()
        if code == _DUPLICATE_KEY and statement is not None and statement.on_duplicate is not None:
            return statement.on_duplicate
        return error


def _has_effects(sql: str) -> bool:
    head = sql.lstrip()[:6].upper()
    return head != "SELECT" or "FOR UPDATE" in sql.upper()


def _checked(statement: Statement, cursor: DictCursor) -> Result:
    rows = list(cursor.fetchall()) if cursor.description else []
    if statement.expect is not None and cursor.rowcount != statement.expect:
        raise statement.otherwise or RuntimeError(f"affected {cursor.rowcount}, expected {statement.expect}")
    return Result(rows, cursor.rowcount)


def escape(sql: str, params: Params) -> str:
    """The statement with its values escaped by the driver (strict mode and NO_BACKSLASH_ESCAPES off, as we set)."""
    if params is None:
        return sql
    if isinstance(params, Mapping):
        return sql % {name: _literal(value) for name, value in params.items()}
    return sql % tuple(_literal(value) for value in params)


def _literal(value: Any) -> str:
    if isinstance(value, list | tuple | set | dict):
        raise TypeError("containers are not SQL values")
    return str(pymysql.converters.escape_item(value, "utf8mb4"))


def is_retryable(error: BaseException) -> bool:
    """Whether the whole transaction may be repeated as it was."""
    if isinstance(error, pymysql.MySQLError):
        return bool(error.args) and error.args[0] in _RETRYABLE
    return isinstance(error, DatabaseLost | CommitUnknown)


def pause(attempt: int) -> None:
    """Sleep a random share of a doubling interval (20 ms, 40 ms, ...), so that losers do not meet again."""
    time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - jitter needs no secrecy


@lru_cache(maxsize=1)
def _tls_context(ca_path: str) -> ssl.SSLContext:
    # The driver would build a default context at every connect, which costs tens of milliseconds.
    return ssl.create_default_context(cafile=ca_path)


connection = Connection()
