"""Forward-only migrations: numbered SQL files, each applied once, in order, remembered with its checksum."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from orchard.runtime.database import Connection, Statement

_NAME = re.compile(r"^\d{4}_[a-z_]+\.sql$")
_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migration (
    name VARCHAR(80) NOT NULL PRIMARY KEY,
    checksum CHAR(64) NOT NULL,
    applied_at DATETIME(6) NOT NULL
) ENGINE=InnoDB
"""


class MigrationChanged(RuntimeError):
    """An applied file was edited or removed: history is append-only."""


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
    """Apply what is missing; returns the names applied now. Raises MigrationChanged when history does not match.

    Each file's DDL commits by itself in MySQL, so its record follows it; a crash between two statements of a file
    is mended by files that are written with IF NOT EXISTS.
    """
    connection.run(lambda tx: tx.rows(_TABLE))
    done = {
        row["name"]: row["checksum"]
        for row in connection.run(lambda tx: tx.rows("SELECT name, checksum FROM schema_migration"))
    }
    migrations = available(path)
    _check_history(done, migrations)
    pending = [migration for migration in migrations if migration.name not in done]
    for migration in pending:
        _apply_one(connection, migration)
    return [migration.name for migration in pending]


def _check_history(done: dict[str, str], migrations: list[Migration]) -> None:
    known = {migration.name: migration.checksum for migration in migrations}
    for name, checksum in done.items():
        if known.get(name) != checksum:
            raise MigrationChanged(name)


def _apply_one(connection: Connection, migration: Migration) -> None:
    for sql in migration.statements:
        connection.run(lambda tx, sql=sql: tx.execute(Statement(sql)))  # type: ignore[misc]
    record = "INSERT INTO schema_migration (name, checksum, applied_at) VALUES (%s, %s, UTC_TIMESTAMP(6))"
    connection.run(lambda tx: tx.execute(Statement(record, (migration.name, migration.checksum))))
