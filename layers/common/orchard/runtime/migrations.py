"""Forward-only migrations: numbered SQL files, each applied once, in order, remembered with its checksum.

Two runs at once go one after the other: each holds a row lock on a connection of its own for as long as it takes,
and the server gives it up by itself when a run dies. (Every DDL statement commits, so the lock cannot stand on the
connection that runs them; named locks are not in all of the databases that this bundle runs on.)
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from orchard.runtime import crash_points
from orchard.runtime.database import Connection, Statement, Tx

_NAME = re.compile(r"^\d{4}_[a-z_]+\.sql$")
# A change to a large table may take minutes; the function that runs it has ten.
STATEMENT_SECONDS = 540
_GUARD_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migration_guard (
    id TINYINT UNSIGNED NOT NULL PRIMARY KEY
) ENGINE=InnoDB
"""
_GUARD = Statement("INSERT INTO schema_migration_guard (id) VALUES (1) ON DUPLICATE KEY UPDATE id = 1")
# Wait for another run as long as migrations may take, whatever the server's own patience with locks is.
_PATIENCE = Statement("SET SESSION innodb_lock_wait_timeout = 120")
_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migration (
    name VARCHAR(80) NOT NULL PRIMARY KEY,
    checksum CHAR(64) NOT NULL,
    applied_at DATETIME(6) NOT NULL
) ENGINE=InnoDB
"""


class MigrationChanged(RuntimeError):
    """An applied file was edited, or removed from the middle: history is append-only."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its name and its text."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def statements(self) -> list[str]:
        """The file cut at semicolons that end a line, without comment lines."""
        text = "\n".join(line for line in self.sql.splitlines() if not line.lstrip().startswith("--"))
        return [part.strip() for part in re.split(r";[ \t]*(?:\n|$)", text) if part.strip()]


def folder() -> Path:
    """Where the files are: beside the package in a built layer, in `infra/database` in a checkout."""
    packaged = Path(__file__).parents[1] / "migrations"
    return packaged if packaged.is_dir() else Path(__file__).parents[4] / "infra" / "database"


def available(path: Path | None = None) -> list[Migration]:
    """All files in order. Raises ValueError for a name that does not fit `NNNN_capability.sql`."""
    files = sorted((path or folder()).glob("*.sql"))
    for file in files:
        if not _NAME.match(file.name):
            raise ValueError(f"migration name: {file.name}")
    return [Migration(file.stem, file.read_text(encoding="utf-8")) for file in files]


def apply(connection: Connection, path: Path | None = None) -> list[str]:
    """Apply what is missing; returns the names applied now.

    Each file's DDL commits by itself in MySQL, so its record follows it; a crash between two statements of a file
    is mended by files that are written with IF NOT EXISTS. A database that is ahead of these files is left as it is:
    every release works on its successor's schema. Raises MigrationChanged when history does not match, and Unavailable
    while another run takes longer than four times two minutes.
    """
    guard, worker = connection.another(STATEMENT_SECONDS), connection.another(STATEMENT_SECONDS)
    try:
        worker.run(lambda tx: tx.execute(Statement(_GUARD_TABLE)))
        return guard.run(lambda tx: _alone(tx, worker, path))
    finally:
        guard.discard()
        worker.discard()


def _alone(guard: Tx, connection: Connection, path: Path | None) -> list[str]:
    guard.packet([_PATIENCE, _GUARD])
    connection.run(lambda tx: tx.execute(Statement(_TABLE)))
    rows = connection.run(lambda tx: tx.rows("SELECT name, checksum FROM schema_migration"))
    done = {row["name"]: row["checksum"] for row in rows}
    migrations = available(path)
    _check_history(done, migrations)
    pending = [migration for migration in migrations if migration.name not in done]
    for migration in pending:
        _apply_one(connection, migration)
    return [migration.name for migration in pending]


def _check_history(done: dict[str, str], migrations: list[Migration]) -> None:
    known = {migration.name: migration.checksum for migration in migrations}
    # While a deployment is rolled back the former release meets what its successor had added: that is no rewriting.
    newest = max(known, default="")
    for name, checksum in done.items():
        if known.get(name) != checksum and (name in known or name < newest):
            raise MigrationChanged(name)


def _apply_one(connection: Connection, migration: Migration) -> None:
    for sql in migration.statements:
        # mypy cannot infer a lambda with a default.
        connection.run(lambda tx, sql=sql: tx.execute(Statement(sql)))  # type: ignore[misc]
        crash_points.reached("migrations.statement_applied")
    record = "INSERT INTO schema_migration (name, checksum, applied_at) VALUES (%s, %s, UTC_TIMESTAMP(6))"
    connection.run(lambda tx: tx.execute(Statement(record, (migration.name, migration.checksum))))
    crash_points.reached("migrations.file_recorded")
