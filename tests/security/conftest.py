"""One world per module: what these tests send is refused or changes nothing, so that they can share it."""

from collections.abc import Iterator
from typing import Any

import pytest

from orchard.runtime.database import Connection, connection
from tests.security.world import World, built
from tests.support import books, database, wechat


@pytest.fixture(scope="module")
def tables(migrated: tuple[list[str], dict[str, Any]]) -> list[str]:
    """The names of all tables."""
    return migrated[0]


@pytest.fixture(scope="module")
def emptied(migrated: tuple[list[str], dict[str, Any]]) -> Connection:
    """The connection, its database emptied once for the module."""
    database.empty(connection, *migrated)
    return connection


@pytest.fixture(scope="module")
def world(
    emptied: Connection, wechat_platform: wechat.Platform, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A shop with one of everything; books and invariants are checked once the module is through."""
    with built(emptied, tmp_path_factory.mktemp("world"), wechat_platform) as made:
        yield made
        books.assert_agree(emptied, made.sandbox.ledger())
        books.assert_sound(emptied)
