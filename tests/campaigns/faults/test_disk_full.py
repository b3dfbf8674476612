"""A database without room for another page: a typed 503, nothing half-done, and on again once there is room."""

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymysql
import pytest

from infra.local.mariadb import MariaDb
from infra.local.processes import write_private
from orchard.members import service as members
from orchard.runtime import sessions
from orchard.runtime.database import connection
from tests.campaigns.sometimes import sometimes
from tests.support import books, database, environment
from tests.support import shop as shopping
from tests.support.shop import Shop

_MOST_ORDERS = 500


@contextmanager
def _server(folder: Path, megabytes: int) -> Iterator[MariaDb]:
    """A migrated database for the functions of this process, all tables in one file that may grow no further.

    What the engine says of such a file is what it says of a full disk.
    """
    before = dict(os.environ)
    room = ("--innodb-file-per-table=0", f"--innodb-data-file-path=ibdata1:12M:autoextend:max:{megabytes}M")
    with database.private_server(folder, *room) as server:
        connection.discard()
        environment.apply(_settings(folder, server))
        database.migrate(connection)
        yield server
        connection.discard()
    os.environ.clear()
    environment.apply(before)


def _settings(folder: Path, server: MariaDb) -> dict[str, str]:
    """The functions' settings; secrets stay what they were, wherever the server listens now."""
    kept, values = folder / "settings.json", environment.base_environment(server, database.NAME)
    secret = {name: value for name, value in values.items() if "DATABASE" not in name}
    if not kept.exists():
        write_private(kept, json.dumps(secret))
    same: dict[str, str] = json.loads(kept.read_text())
    return values | same


def _fill(server: MariaDb) -> None:
    with server.connect(database.NAME, autocommit=True) as filler, filler.cursor() as cursor:
        cursor.execute("CREATE TABLE filler (id INT AUTO_INCREMENT PRIMARY KEY, text TEXT)")
        # Rows that fit into a page: where a longer one runs out of pages, some servers end themselves.
        for size in (7_000, 1_000):
            with pytest.raises(pymysql.MySQLError, match="full"):
                _grow_for_ever(cursor, size)


def _grow_for_ever(cursor: Any, size: int) -> None:
    while True:
        cursor.execute("INSERT INTO filler (text) VALUES (REPEAT('x', %s))", (size,))


def test_a_full_disk_refuses_orders_whole_until_there_is_room(tmp_path: Path) -> None:
    folder, shop = tmp_path / "server", Shop(connection, tmp_path)
    with _server(folder, megabytes=48) as server:
        goods = shop.sell(stock=_MOST_ORDERS)
        wish = shopping.wish(goods, method="pickup", store_id=str(shop.open_store()))
        member_id = connection.run(lambda tx: members.join(tx, f"o{secrets.token_hex(13)}"))
        token = connection.run(lambda tx: sessions.open_session(tx, member_id))
        _fill(server)
        placed = 0
        # Pages that were begun have room for a few.
        while (answer := shopping.place(token, wish, key=f"order-{placed:04}")).status == 201:
            placed += 1
        assert (answer.status, answer.code) == (503, "unavailable")
        assert shop.available(goods) == _MOST_ORDERS - placed
    with _server(folder, megabytes=96):
        assert shopping.place(token, wish, key=f"order-{placed:04}").status == 201
        assert shop.available(goods) == _MOST_ORDERS - placed - 1
        books.assert_sound(connection)
    sometimes("database: full disk")
