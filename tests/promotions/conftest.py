"""What the campaigns' races share: a server whose isolation is chosen."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from orchard.runtime.database import connection
from tests.support import database, environment

Schema = tuple[list[str], dict[str, Any]]


@contextmanager
def _server(folder: Path, isolation: str) -> Iterator[Schema]:
    before = dict(os.environ)
    with database.private_server(folder, f"--loose-innodb-snapshot-isolation={isolation}") as running:
        environment.apply(environment.base_environment(running, database.NAME))
        connection.discard()
        database.migrate(connection)
        names = database.tables(connection)
        yield names, database.seeded_rows(connection, names)
        connection.discard()
    os.environ.clear()
    environment.apply(before)


@pytest.fixture(scope="module", params=["OFF", "ON"])
def server(
    request: pytest.FixtureRequest, wechat_platform: object, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Schema]:
    """A server of its own: OFF shows lost updates as MySQL would, ON is what newer MariaDB servers begin with.

    The platform comes first, so that its settings are among those put back at the end.
    """
    with _server(tmp_path_factory.mktemp(f"isolation-{request.param.lower()}"), request.param) as schema:
        yield schema
