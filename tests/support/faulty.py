"""The running bundle with relays before database and WeChat Pay, and crash points."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pymysql

from infra.local.cloud import LocalCloud
from infra.local.shop import DATABASE, Installation, Place, install_shop
from tests.support.caller import Arm
from tests.support.crashing import APPLICATION, CrashPoints, Death
from tests.support.scenario import RunningShop
from tests.support.tcp_relay import TcpRelay

_SOON_SECONDS = "1"


@dataclass
class FaultyCloud:
    """A running cloud and what can go wrong with it."""

    cloud: LocalCloud
    database: TcpRelay
    wechat_pay: TcpRelay
    crash_points: CrashPoints
    # The functions' username and password at the database.
    account: dict[str, Any] = field(repr=False)

    def arming(self, point: str, death: Death) -> Arm:
        """What arms the point, for a course of business."""
        return lambda: self.crash_points.arm(point, death)

    def administer(self, sql: str) -> None:
        """Run a statement as the database's administrator, past the relay."""
        connection = self.cloud.mariadb.connect(autocommit=True)
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)

    def as_function(self) -> "pymysql.Connection[Any]":
        """A connection with the functions' own account, in their database."""
        server = self.cloud.mariadb
        return pymysql.connect(
            host=server.host, port=server.port, user=self.account["username"], password=self.account["password"],
            database=DATABASE, ssl_disabled=True,
        )  # fmt: skip

    def try_as_function(self) -> "pymysql.Connection[Any] | None":
        """The same, or None where the server takes no more."""
        try:
            return self.as_function()
        except pymysql.OperationalError:
            return None

    def limit_connections(self, number: int) -> None:
        """How many connections the functions' account may have; 0 is no limit."""
        self.administer(f"ALTER USER '{self.account['username']}'@'%' WITH MAX_USER_CONNECTIONS {number}")

    def disconnect_functions(self) -> None:
        """End every connection of a function at the server: a restart or fail-over does the same."""
        connection = self.cloud.mariadb.connect(autocommit=True)
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT id FROM information_schema.processlist WHERE user = %s", (self.account["username"],))
            for (connection_id,) in cursor.fetchall():
                with suppress(pymysql.MySQLError):
                    cursor.execute(f"KILL {connection_id}")

    def heal(self) -> None:
        """No more faults of any kind."""
        self.database.heal()
        self.wechat_pay.heal()
        self.crash_points.disarm()


@contextmanager
def faulty_cloud(folder: Path) -> Iterator[FaultyCloud]:
    """Start it, with a day to pay for orders and messages that come again after a second."""
    database, wechat_pay = TcpRelay(mysql=True), TcpRelay()
    account: dict[str, Any] = {}

    def install(place: Place) -> Installation:
        database.target = (place.database.host, place.database.port)
        host, port = place.sandbox_url.removeprefix("http://").split(":")
        wechat_pay.target = (host, int(port))
        installed = install_shop(place)
        # The functions' own account, which migrating makes: rows to work on, no right to change tables.
        account.update(installed.secrets[installed.parameters["DatabaseSecretId"]])
        return _behind_relays(installed, database.port, wechat_pay.port)

    options = {"schedules": False, "gateway": APPLICATION}
    with LocalCloud(folder, install=install, report=lambda _: None, **options) as cloud:  # type: ignore[arg-type]  # one dict for several types
        for url in cloud.queue_urls.values():
            cloud.aws.sqs().set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": _SOON_SECONDS})
        yield FaultyCloud(cloud, database, wechat_pay, CrashPoints(folder), account)
    database.close()
    wechat_pay.close()


def _behind_relays(installed: Installation, database_port: int, wechat_pay_port: int) -> Installation:
    moved = {
        "DatabasePort": str(database_port),
        "WeChatPayApiUrl": f"http://127.0.0.1:{wechat_pay_port}",
        "PaymentMinutes": "1440",
    }
    return replace(installed, parameters={**installed.parameters, **moved})


def faulty_shop(faulty: FaultyCloud, folder: Path) -> Iterator[RunningShop]:
    """For fixtures: the shop, and the comparison of all books after the faults are healed."""
    shop = RunningShop(faulty.cloud, folder)
    yield shop
    faulty.heal()
    shop.assert_sound()
    shop.close()
