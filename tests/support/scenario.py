"""The running bundle as a scenario sees it: shoppers with phones, the sandbox, jobs fired by hand, time that passes."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3

from infra.demo.shop_client import ShopClient
from infra.local.cloud import LocalCloud
from infra.local.wechat_sandbox.client import SandboxClient
from infra.local.wechat_sandbox.config import SandboxConfig
from orchard.runtime.database import Connection, Row, Statement
from orchard.runtime.settings import DatabaseSettings
from tests.support import books, notices
from tests.support.shop import SHANGHAI_DISTRICT, Goods, Shop

PATIENCE_SECONDS = 30
ADDRESS = {
    "recipient": "王小明", "phone": "13900001111", "region_code": SHANGHAI_DISTRICT, "province": "上海市",
    "city": "上海市", "district": "浦东新区", "detail": "世纪大道 100 号", "latitude": 31.23, "longitude": 121.5,
}  # fmt: skip
# Every point in time that a job compares with the database's clock.
_DEADLINES = (
    ("orders", "expires_at"),
    ("payment", "next_query_at"),
    ("payment_call", "started_at"),
    ("payment_call", "next_try_at"),
    ("refund", "next_try_at"),
)


@dataclass
class Shopper:
    """A member with a phone: calls go over HTTP, payments through the sandbox's WeChat."""

    phone: ShopClient
    openid: str
    wechat: SandboxClient
    _address_id: str = field(default="", init=False)

    def address(self) -> str:
        """The id of the shopper's address, told to the shop at first use."""
        self._address_id = self._address_id or self.new_address()
        return self._address_id

    def new_address(self) -> str:
        """The id of one more address."""
        return str(self.phone.call("POST", "/addresses", ADDRESS)["address_id"])

    def wish(self, *wanted: tuple[Goods, int], **delivery: Any) -> dict[str, Any]:
        """What to buy; sent by express unless `delivery` says otherwise."""
        lines = [{"sku_id": str(goods.sku_id), "quantity": quantity} for goods, quantity in wanted]
        return {"lines": lines, "delivery": delivery or {"method": "express", "address_id": self.address()}}

    def agree(self, wish: dict[str, Any], **more: Any) -> dict[str, Any]:
        """The order's body: the wish, and whatever the quote says of it now."""
        return {**wish, "quote_digest": self.phone.call("POST", "/quotes", wish)["digest"], **more}

    def order(self, goods: Goods, quantity: int = 1) -> str:
        """Quote and place; the order's number."""
        placed = self.phone.call("POST", "/orders", self.agree(self.wish((goods, quantity))))
        return str(placed["order_number"])

    def sheet(self, number: str) -> dict[str, Any]:
        """The parameters for wx.requestPayment."""
        parameters: dict[str, Any] = self.phone.call("POST", f"/orders/{number}/pay")["parameters"]
        return parameters

    def confirm(self, parameters: dict[str, Any]) -> str:
        """Pay in WeChat; what wx.requestPayment tells the mini-program."""
        return str(self.wechat.confirm_payment(parameters, openid=self.openid)["errMsg"])

    def pay(self, number: str) -> None:
        """Open the payment sheet and pay."""
        assert self.confirm(self.sheet(number)) == "requestPayment:ok"

    def state(self, number: str) -> str:
        """The order's state, as the shop tells its owner."""
        return str(self.phone.call("GET", f"/orders/{number}")["state"])


class RunningShop:
    """One bundle, its database seen from outside, and the sandbox beside it."""

    def __init__(self, cloud: LocalCloud, folder: Path) -> None:
        self.cloud = cloud
        self.db = database_of(cloud)
        self.wechat = SandboxClient(cloud.sandbox_url)
        self.shelf = Shop(self.db, folder)
        self._http = urllib3.PoolManager(timeout=60, retries=False, maxsize=32)

    def shopper(self) -> Shopper:
        """A new WeChat user, logged in."""
        openid = str(self.wechat.create_shopper()["openid"])
        phone = ShopClient(self.cloud.api_url)
        phone.log_in(self.wechat.login_code(openid))
        return Shopper(phone, openid, self.wechat)

    def rows(self, sql: str, *params: Any) -> list[Row]:
        """Look into the database."""
        return self.db.run(lambda tx: tx.rows(sql, params or None))

    def change(self, sql: str, *params: Any) -> int:
        """Change rows by hand: time that passes, or a fault that is planted."""
        return self.db.run(lambda tx: tx.execute(Statement(sql, params)))

    def one(self, sql: str, *params: Any) -> Any:
        """The only value of a query."""
        (row,) = self.rows(sql, *params)
        (value,) = row.values()
        return value

    def state(self, number: str) -> str:
        """The order's state in the database."""
        return str(self.one("SELECT state FROM orders WHERE order_number = %s", number))

    def payment(self, number: str) -> Row:
        """The order's payment row."""
        return self.rows("SELECT * FROM payment WHERE order_number = %s", number)[0]

    def refunds(self, number: str) -> list[Row]:
        """The order's refunds, oldest first."""
        return self.rows("SELECT * FROM refund WHERE order_number = %s ORDER BY id", number)

    def at_wechat(self, number: str) -> list[dict[str, Any]]:
        """What the platform's books say was paid under this number."""
        return [paid for paid in self.wechat.ledger()["payments"] if paid["out_trade_no"] == number]

    def alarms(self, subject: str) -> set[str]:
        """Kinds of the open exceptions about an order or a refund."""
        return self._alarms(subject, "AND resolved_at IS NULL")

    def alarms_ever(self, subject: str) -> set[str]:
        """Kinds of all exceptions about an order or a refund, settled ones too."""
        return self._alarms(subject)

    def _alarms(self, subject: str, further: str = "") -> set[str]:
        about = "%s IN (subject, JSON_UNQUOTE(JSON_EXTRACT(detail, '$.order_number')))"
        found = self.rows(f"SELECT kind FROM payment_exception WHERE {about} {further}", subject)
        return {str(row["kind"]) for row in found}

    def post(self, notice: notices.Notice, **headers: str) -> int:
        """Deliver a notification to the callback API; the answer's status."""
        path = {"transaction": "/wechat-pay/payments", "refund": "/wechat-pay/refunds"}[notice.kind]
        answer = self._http.request(
            "POST", self.cloud.callback_url + path, body=notice.body,
            headers={"content-type": "application/json", **notice.headers, **headers},
        )  # fmt: skip
        return answer.status

    def platform(self) -> notices.Platform:
        """Writes notifications with the sandbox's own keys."""
        return notices.Platform(SandboxConfig.load(self.cloud.data_dir / "sandbox"))

    def fire(self, job: str) -> dict[str, int]:
        """Run a job now."""
        counts: dict[str, int] = self.cloud.fire(job)
        return counts

    def let_pass(self, seconds: int, number: str) -> None:
        """Let time pass for one order: every deadline of it moves `seconds` into the past."""
        for table, column in _DEADLINES:
            owner = "order_number" if table != "payment_call" else "payment_id"
            which = "%s" if table != "payment_call" else "(SELECT id FROM payment WHERE order_number = %s)"
            self.change(
                f"UPDATE {table} SET {column} = {column} - INTERVAL %s SECOND WHERE {owner} = {which}", seconds, number
            )
        self.change("UPDATE retry_pause SET next_try_at = next_try_at - INTERVAL %s SECOND", seconds)

    def expire(self, number: str) -> None:
        """Let the order's time to pay be over."""
        left = self.one(
            "SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(6), expires_at) FROM orders WHERE order_number = %s", number
        )
        self.let_pass(int(left) + 1, number)

    def relay(self) -> dict[str, int]:
        """Publish the outbox, and wait until the queues are empty."""
        counts = self.fire("relay_outbox")
        self.drain()
        return counts

    def drain(self) -> None:
        """Wait until no message waits or is under way."""
        self.eventually(lambda: self.cloud.waiting_messages() == 0)

    def sweep(self, number: str) -> dict[str, int]:
        """Let the pauses of everything left open pass, then finish it."""
        self.let_pass(6 * 3600, number)
        return self.fire("finish_open_intents")

    def eventually(self, condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
        """Wait for what happens by itself, and fail when it does not."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds} s"
            time.sleep(0.05)

    def settle(self) -> None:
        """Faults healed, notifications delivered, queues drained, two sweeps: after this the books must agree."""
        self.wechat.behave()
        for _ in range(2):
            self.change("UPDATE retry_pause SET next_try_at = UTC_TIMESTAMP(6)")
            self.wechat.deliver_notifications()
            self.relay()
            self.fire("finish_open_intents")

    def assert_sound(self) -> None:
        """Settle, then compare both books and check every invariant."""
        self.settle()
        try:
            books.assert_agree(self.db, self.wechat.ledger())
            books.assert_sound(self.db, settled=True)
        except AssertionError:
            self._catch_up()
            raise

    def _catch_up(self) -> None:
        """Let the whole ladder pass, so that the next scenario does not fail for this one's sake."""
        self.change("UPDATE payment SET next_query_at = UTC_TIMESTAMP(6) WHERE state IN ('UNKNOWN', 'PREPAID')")
        self.fire("sync_payments")
        self.settle()

    def log_mark(self) -> int:
        """How long the functions' log is now."""
        return (self.cloud.logs / "functions.log").stat().st_size

    def log_since(self, mark: int) -> list[str]:
        """The lines that functions have logged since."""
        with (self.cloud.logs / "functions.log").open("rb") as log:
            log.seek(mark)
            return log.read().decode(errors="replace").splitlines()

    def close(self) -> None:
        """Give up connections."""
        self.db.discard()
        self.wechat.close()


def running_shop(cloud: LocalCloud, folder: Path) -> Iterator[RunningShop]:
    """For fixtures: the shop, and the comparison of all books once it was used."""
    running = RunningShop(cloud, folder)
    yield running
    running.assert_sound()
    running.close()


def database_of(cloud: LocalCloud) -> Connection:
    """The shop's own database connection, to this cloud's database."""
    prefix = "ORCHARD_DATABASE_"
    values = {name.removeprefix(prefix).lower(): value for name, value in cloud.database_environment().items()}
    return Connection(lambda: DatabaseSettings.model_validate(values))


def body_of(message: dict[str, Any]) -> dict[str, Any]:
    """A queue message's content."""
    content: dict[str, Any] = json.loads(message["Body"])
    return content
