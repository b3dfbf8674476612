"""Fixtures of all tests. Everything is real: MariaDB, the functions, the WeChat sandbox; nothing of ours is mocked."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from infra.local.wechat_sandbox.client import SandboxClient
from orchard.members import service as members
from orchard.runtime import sessions
from orchard.runtime.database import Connection, connection
from tests.support import books, calls, database, environment, notices, wechat
from tests.support.coupons import Coupons
from tests.support.group_buys import GroupBuys
from tests.support.shop import Shop, Shopper
from tests.support.till import Till

# How long one example takes says more about the machine's load than about the code.
hypothesis.settings.register_profile("orchard", deadline=None)
hypothesis.settings.load_profile("orchard")


@pytest.fixture(scope="session")
def database_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The run's private MariaDB, with the environment of the functions set to it."""
    with database.private_server(tmp_path_factory.mktemp("mariadb")) as server:
        environment.apply(environment.base_environment(server, database.NAME))
        yield server


@pytest.fixture(scope="session")
def migrated(database_server: Any) -> tuple[list[str], dict[str, Any]]:
    """The migrated schema: its tables, and the rows that migrations put in."""
    database.migrate(connection)
    names = database.tables(connection)
    return names, database.seeded_rows(connection, names)


@pytest.fixture
def db(migrated: tuple[list[str], dict[str, Any]]) -> Connection:
    """The process's connection to an emptied database."""
    names, seeds = migrated
    database.empty(connection, names, seeds)
    connection.round_trips = 0
    return connection


@pytest.fixture(scope="session")
def wechat_platform(database_server: Any) -> Iterator[wechat.Platform]:
    """App and merchant at the sandbox, for the whole run."""
    with wechat.platform() as found:
        yield found


@pytest.fixture
def sandbox(db: Connection, wechat_platform: wechat.Platform) -> Iterator[SandboxClient]:
    """An empty WeChat sandbox. At the end of the test its books and ours must agree, and the invariants hold."""
    with wechat.fresh_sandbox(wechat_platform) as client:
        yield client
        books.assert_agree(db, client.ledger())
        books.assert_sound(db)


@pytest.fixture
def call(db: Connection) -> Callable[..., calls.Answer]:
    """Call a function over an HTTP API event: `call("cart/cart", "GET", "/cart", token=...)`."""
    return calls.call


@pytest.fixture
def shop(db: Connection, tmp_path: Path) -> Shop:
    """An empty shop to put goods into."""
    return Shop(db, tmp_path)


@pytest.fixture
def coupons(db: Connection) -> Coupons:
    """Coupon templates of that shop."""
    return Coupons(db)


@pytest.fixture
def till(db: Connection, shop: Shop, sandbox: SandboxClient) -> Till:
    """A shop that takes money through the sandbox."""
    return Till(db, shop, sandbox)


@pytest.fixture
def group_buys(till: Till) -> GroupBuys:
    """Group-buy activities of that shop."""
    return GroupBuys(till)


@pytest.fixture
def platform(wechat_platform: wechat.Platform) -> notices.Platform:
    """Writes notifications with the sandbox's own keys."""
    return notices.Platform(wechat_platform.config)


@pytest.fixture
def shopper(db: Connection) -> Callable[[], Shopper]:
    """Make logged-in members: `shopper().token`. The member row is there once the members capability is."""

    def make() -> Shopper:
        member_id = _member(db)
        token = db.run(lambda tx: sessions.open_session(tx, member_id))
        return Shopper(member_id, token)

    return make


def _member(db: Connection) -> int:
    return db.run(lambda tx: members.join(tx, f"o{secrets.token_hex(13)}"))
