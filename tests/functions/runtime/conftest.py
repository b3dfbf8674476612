"""A table of the tests' own, and a way to break connections."""

from collections.abc import Callable, Iterator

import pytest

from orchard.runtime.database import Connection, Statement


@pytest.fixture
def scratch(db: Connection) -> Iterator[Connection]:
    """The connection, with an empty table `scratch (id, note)`."""
    db.run(lambda tx: tx.execute(Statement("DROP TABLE IF EXISTS scratch")))
    create = "CREATE TABLE scratch (id BIGINT NOT NULL PRIMARY KEY, note VARCHAR(200) NOT NULL) ENGINE=InnoDB"
    db.run(lambda tx: tx.execute(Statement(create)))
    yield db
    db.run(lambda tx: tx.execute(Statement("DROP TABLE scratch")))


@pytest.fixture
def kill(db: Connection) -> Iterator[Callable[[Connection], None]]:
    """End a connection from the server's side, as a fail-over does."""
    operator = db.another()

    def end(victim: Connection) -> None:
        thread_id = victim.get().thread_id()  # type: ignore[no-untyped-call]  # untyped in the stubs
        operator.run(lambda tx: tx.execute(Statement(f"KILL {int(thread_id)}")))

    yield end
    operator.discard()
