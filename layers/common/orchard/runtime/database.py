"""One connection per warm function, whole transactions, and packets of statements.

Rules kept here so that nobody has to remember them:
- the first packet of every transaction starts with ROLLBACK, which checks the connection, clears whatever a frozen
  environment left open, and costs no round trip of its own;
- the server-side transaction begins with the first packet that writes or locks, so an idle function that has only read
  holds nothing, not even the metadata lock that would make a migration wait for it;
- a lost connection is replaced only at the first packet, never inside a transaction;
- deadlocks (1213), lock time-outs (1205), 1020 and a connection lost before COMMIT repeat the whole transaction with
  jitter; a connection lost during COMMIT is an unknown outcome and is said so (`CommitUnknown`).
"""

import math
import random
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TypeVar

import pymysql
from pymysql.constants import CLIENT
from pymysql.cursors import DictCursor

from orchard.core.errors import Unavailable
from orchard.runtime import settings
from orchard.runtime.database_errors import DUPLICATE_KEY, CommitUnknown, DatabaseLost, is_lost, is_retryable
from orchard.runtime.driver import RememberingConnection
from orchard.runtime.sql import Params, Result, Row, Statement, escape, has_effects, insert, placeholders

__all__ = [
    "CommitUnknown", "Connection", "DatabaseLost", "Params", "Result", "Row", "Statement", "Tx", "connection", "escape",
    "insert", "is_retryable", "pause", "placeholders",
]  # fmt: skip

T = TypeVar("T")

CONNECT_TIMEOUT_SECONDS = 3
STATEMENT_TIMEOUT_SECONDS = 15
MAX_ATTEMPTS = 4
# What the statements rely on, whatever the server's own defaults are: MySQL's is REPEATABLE READ, often in local time.
_SESSION = (
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; SET time_zone = '+00:00', sql_mode ="
    " 'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION'"
)
# Left of an invocation when statements give up, so that the answer still gets out.
_ANSWER_SECONDS = 1.0


class Connection:
    """The process's one connection, opened at need. `round_trips` counts packets sent, for tests and benchmarks."""

    def __init__(
        self,
        load_settings: Callable[[], settings.DatabaseSettings] = settings.database,
        statement_seconds: int = STATEMENT_TIMEOUT_SECONDS,
    ) -> None:
        self._load_settings = load_settings
        self._statement_seconds = statement_seconds
        self._connection: pymysql.connections.Connection[DictCursor] | None = None
        self._writer: Tx | None = None
        self._give_up_at = math.inf
        self.round_trips = 0

    def another(self, statement_seconds: int = STATEMENT_TIMEOUT_SECONDS) -> "Connection":
        """A second connection to the same database, with its own time-out per statement in seconds."""
        return Connection(self._load_settings, statement_seconds)

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Inside the block nothing waits for the database longer than an invocation of `seconds` has time for.

        What has no time left raises Unavailable, so that a stalled server is answered with 503 and not with the
        platform's time-out.
        """
        before, self._give_up_at = self._give_up_at, time.monotonic() + seconds - _ANSWER_SECONDS
        try:
            yield
        finally:
            self._give_up_at = before

    @property
    def seconds_left(self) -> float:
        """Seconds that `within` leaves for work; infinite outside of it."""
        return self._give_up_at - time.monotonic()

    def _patience(self) -> float:
        left = self.seconds_left
        if left <= 0:
            raise Unavailable
        return min(self._statement_seconds, left)

    def _open(self, seconds: float) -> "pymysql.connections.Connection[DictCursor]":
        group = self._load_settings()
        return RememberingConnection(
            host=group.host, port=group.port, user=group.user, database=group.name,
            password=group.password.get_secret_value(), charset="utf8mb4", autocommit=True,
            client_flag=CLIENT.MULTI_STATEMENTS | CLIENT.FOUND_ROWS, cursorclass=DictCursor,
            init_command=_SESSION, connect_timeout=min(CONNECT_TIMEOUT_SECONDS, seconds),
            read_timeout=seconds, write_timeout=seconds,
            **({"ssl": _tls_context(group.tls_ca)} if group.tls_ca else {"ssl_disabled": True}),
        )  # fmt: skip

    def get(self) -> "pymysql.connections.Connection[DictCursor]":
        """The open connection, or, for the first packet of a transaction, a new one. Unavailable: no time is left."""
        seconds = self._patience()
        if self._connection is None or not self._connection.open:
            self._connection = self._open(seconds)
        self._connection._read_timeout = self._connection._write_timeout = seconds  # type: ignore[attr-defined]  # missing in the stubs
        return self._connection

    def discard(self) -> None:
        """Forget the connection; whatever was open on it is rolled back by the server."""
        connection, self._connection = self._connection, None
        self._writer = None
        if connection is not None and connection.open:
            connection._force_close()  # type: ignore[attr-defined]  # missing in the stubs

    def transaction(self) -> "Tx":
        """A transaction that opens itself with its first statement."""
        return Tx(self)

    def run(self, work: "Callable[[Tx], T]") -> T:
        """Run `work` in a transaction of its own and commit; repeats it whole on deadlocks and lost connections.

        Raises what `work` raises, CommitUnknown, or Unavailable once the attempts are used up.
        """
        last: BaseException | None = None
        for attempt in range(MAX_ATTEMPTS):
            tx = self.transaction()
            try:
                result = work(tx)
                tx.commit()
            except BaseException as error:
                tx.rollback()
                if not is_retryable(error) or isinstance(error, CommitUnknown):
                    raise
                last = error
                pause(attempt)
            else:
                return result
        raise Unavailable from last


class Tx:
    """One transaction. Statements run under READ COMMITTED; nothing is sent until the first of them."""

    def __init__(self, connection: Connection) -> None:
        self._owner = connection
        # Checked: the connection answered to this transaction. Begun: it may hold locks. Lost: it is of no more use.
        self._checked = self._begun = self._lost = False
        self._at_commit: list[Statement] = []

    def packet(self, statements: Sequence[Statement]) -> list[Result]:
        """Send statements in one round trip and check each one's outcome in order.

        Raises the failing statement's own typed error; the transaction must then be rolled back.
        """
        leading = self._leading(statements)
        cursor = self._send(leading, statements)
        results: list[Result] = []
        try:
            for position, statement in enumerate(statements):
                # Whatever led the packet has results of its own.
                for _ in range(1 if position else len(leading)):
                    if not cursor.nextset():
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
        if self._lost:
            raise DatabaseLost
        if self._begun or self._at_commit:
            last = [*self._at_commit, Statement("COMMIT")]
            self._at_commit = []
            try:
                self.packet(last)
            except DatabaseLost:
                raise CommitUnknown from None
        self._end()

    def rollback(self) -> None:
        """Undo everything, quietly: a connection that cannot even roll back is dropped, which does the same."""
        self._at_commit = []
        if self._begun and not self._lost:
            try:
                connection = self._owner.get()
                self._owner.round_trips += 1
                connection.rollback()
            except (pymysql.MySQLError, OSError, Unavailable):
                self._owner.discard()
        self._end()

    def _end(self) -> None:
        self._checked = self._begun = self._lost = False
        if self._owner._writer is self:
            self._owner._writer = None

    def _leading(self, statements: Sequence[Statement]) -> list[str]:
        if self._lost:
            # Whoever swallowed the first error must not go on in a new transaction with half of the work missing.
            raise DatabaseLost
        leading = [] if self._checked else ["ROLLBACK"]
        if self._owner._writer not in {None, self}:
            raise RuntimeError("another transaction is open on this connection")
        if not self._begun and any(has_effects(s.sql) for s in statements):
            self._begun, self._owner._writer = True, self
            leading.append("START TRANSACTION")
        return leading

    def _send(self, leading: list[str], statements: Sequence[Statement]) -> DictCursor:
        sql = ";\n".join([*leading, *(escape(s.sql, s.params) for s in statements)])
        # What fails at once is the packet's very first statement.
        head = None if leading else statements[0]
        try:
            return self._execute(sql, head)
        except DatabaseLost:
            if self._checked:
                raise
            # Nothing of ours was open yet, so a fresh connection may take the same packet once.
            self._lost = False
            self._owner._writer = self if self._begun else None
            return self._execute(sql, head)

    def _execute(self, sql: str, head: Statement | None) -> DictCursor:
        try:
            cursor = self._owner.get().cursor()
            self._owner.round_trips += 1
            cursor.execute(sql)
        except (pymysql.MySQLError, OSError) as error:
            raise self._translated(error, head) from error
        self._checked = True
        return cursor

    def _drain(self, cursor: DictCursor) -> None:
        # Unread results of a failed packet would be taken for the next packet's.
        if self._lost:
            return
        try:
            cursor.close()
        except (pymysql.MySQLError, OSError) as error:
            self._translated(error, None)

    def _translated(self, error: Exception, statement: Statement | None) -> Exception:
        if is_lost(error):
            self._lost = True
            self._owner.discard()
            return DatabaseLost()
        if error.args[:1] == (DUPLICATE_KEY,) and statement is not None and statement.on_duplicate is not None:
            return statement.on_duplicate
        return error


def _checked(statement: Statement, cursor: DictCursor) -> Result:
    rows = list(cursor.fetchall()) if cursor.description else []
    if statement.expect is not None and cursor.rowcount != statement.expect:
        raise statement.otherwise or RuntimeError(f"affected {cursor.rowcount}, expected {statement.expect}")
    return Result(rows, cursor.rowcount)


def pause(attempt: int) -> None:
    """Sleep a random share of a doubling interval (20 ms, 40 ms, ...), so that losers do not meet again."""
    time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - jitter needs no secrecy


@lru_cache(maxsize=1)
def _tls_context(ca_path: str) -> ssl.SSLContext:
    # The driver would build a default context at every connect, which costs tens of milliseconds.
    return ssl.create_default_context(cafile=ca_path)


connection = Connection()
