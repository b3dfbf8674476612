"""Courses of business by callers who do not give up: same key, same body, jobs run twice, until there is an answer.

Each course calls `arm` where the interesting part begins, and checks in the end that everything happened exactly once.
"""

import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import urllib3

from infra.demo import drills
from infra.local.processes import LocalCloudError
from infra.local.shop import kept_secrets
from orchard.coupons.service import codes
from orchard.group_buy.service import activities
from orchard.payments.rules import QUERY_LADDER
from orchard.workflows.refund_settled import refund_order
from tests.support import environment
from tests.support.coupons import Coupons
from tests.support.group_buys import draft
from tests.support.scenario import RunningShop, Shopper

Arm = Callable[[], None]
_TRIES = 12
_PRICE_FEN, _STOCK = 1500, 5


@contextmanager
def shop_keys(shop: RunningShop) -> Iterator[None]:
    """The shop's keys for personal data, for what a merchant does from outside a function."""
    kept, before = kept_secrets(shop.cloud.data_dir), dict(os.environ)
    environment.apply(
        {f"ORCHARD_{name.upper()}": kept[name] for name in ("personal_data_key", "personal_data_hash_key")}
    )
    yield
    os.environ.clear()
    environment.apply(before)


class Life:
    """One shopper, one article, one order at a time, and the stubbornness that a mini-program and cron have."""

    def __init__(self, shop: RunningShop, arm: Arm) -> None:
        self.shop, self.arm = shop, arm
        self.shopper: Shopper = shop.shopper()
        self.goods = shop.shelf.sell(price_fen=_PRICE_FEN, stock=_STOCK)
        self.number = ""
        # Calls that got no answer or a server's error, so far.
        self.failures = 0

    def call(self, method: str, path: str, body: Any = None, key: str = "") -> Any:
        """Repeat one call with one key until it is answered; its JSON. What is refused fails the test."""
        key = key or secrets.token_hex(16)
        for _ in range(_TRIES):
            try:
                status, answer = self.shopper.phone.attempt(method, path, body, key=key)
            except urllib3.exceptions.HTTPError:
                status, answer = 599, {}
            if status < 400:
                return answer
            assert status >= 500 or answer["code"] == "payment_in_progress", (status, answer)
            self.failures += 1
            if self.number:
                self.shop.let_pass(120, self.number)
        raise AssertionError(f"{method} {path} never succeeds")

    def fire(self, job: str, times: int = 2) -> None:
        """Run a job to its end so many times; a run that dies is repeated, as cron does."""
        for _ in range(_TRIES):
            try:
                self.shop.fire(job)
            except LocalCloudError:
                self.failures += 1
                continue
            times -= 1
            if not times:
                return
        raise AssertionError(f"{job} never ends")

    def agreed(self, **more: Any) -> dict[str, Any]:
        """An order's body for one unit."""
        return self.shopper.agree({**self.shopper.wish((self.goods, 1)), **more})

    def place(self, body: dict[str, Any]) -> None:
        """Place the order; saying it once more changes nothing."""
        key = secrets.token_hex(16)
        first = self.call("POST", "/orders", body, key)
        assert self.call("POST", "/orders", body, key) == first
        self.number = first["order_number"]

    def sheet(self) -> dict[str, Any]:
        """What wx.requestPayment needs."""
        parameters: dict[str, Any] = self.call("POST", f"/orders/{self.number}/pay")["parameters"]
        return parameters

    def pay(self) -> None:
        """Pay in WeChat."""
        assert self.shopper.confirm(self.sheet()) == "requestPayment:ok"

    def state(self) -> str:
        """The order's state in the database."""
        return self.shop.state(self.number)

    def heard(self) -> None:
        """The order is paid, by WeChat's notification or by what the inbox has kept of it."""
        self.shop.wechat.deliver_notifications()
        for _ in range(_TRIES):
            if self.state() != "PENDING_PAY":
                return
            self.fire("finish_open_intents")
            self.shop.let_pass(QUERY_LADDER[-1], self.number)
            self.fire("sync_payments")
        raise AssertionError("the money is not heard of")

    def publish(self) -> None:
        """Every event reaches its workers."""
        self.fire("relay_outbox")
        self.shop.drain()

    def sent_back(self) -> None:
        """The refund that was asked for arrives."""
        self.publish()
        deadline = time.monotonic() + 30
        while self.state() != "REFUNDED":
            assert time.monotonic() < deadline, self.shop.refunds(self.number)
            self.shop.wechat.deliver_notifications()
            self.shop.let_pass(6 * 3600, self.number)
            self.fire("finish_open_intents")

    def assert_stock(self, *kinds: str) -> None:
        """The order's ledger rows are these, and the shelf agrees."""
        rows = self.shop.rows(
            "SELECT g.kind FROM stock_ledger g JOIN order_line l ON l.id = g.line_id JOIN orders o ON o.id = l.order_id"
            " WHERE o.order_number = %s ORDER BY g.kind",
            self.number,
        )
        assert tuple(row["kind"] for row in rows) == kinds
        assert self.shop.shelf.available(self.goods) == _STOCK - ("DEDUCT" in kinds)
        sold = "SELECT COUNT(DISTINCT order_id) AS n FROM order_line WHERE sku_id = %s"
        assert self.shop.one(sold, self.goods.sku_id) == 1, "an order that nobody acknowledged"

    def assert_paid_once(self) -> None:
        """WeChat and we have taken the price one time."""
        assert [paid["paid_fen"] for paid in self.shop.at_wechat(self.number)] == [
            self.shop.payment(self.number)["amount_fen"]
        ]

    def assert_refunded_once(self) -> None:
        """WeChat and we have given it back one time."""
        made = [row for row in self.shop.wechat.ledger()["refunds"] if row["out_trade_no"] == self.number]
        ours = [refund["out_refund_no"] for refund in self.shop.refunds(self.number)]
        assert len(ours) == 1
        assert [row["out_refund_no"] for row in made] == ours


def bought_and_refunded(shop: RunningShop, arm: Arm) -> None:
    """Placed, paid, told of, published, refunded."""
    life = Life(shop, arm)
    body = life.agreed()
    arm()
    life.place(body)
    life.pay()
    life.heard()
    life.publish()
    life.assert_stock("DEDUCT", "RESERVE")
    refund_order(shop.db, life.number, reason="缺货", key="all")
    life.sent_back()
    life.assert_paid_once()
    life.assert_refunded_once()
    sold = "SELECT sales_count FROM product WHERE id = %s"
    shop.eventually(lambda: shop.one(sold, life.goods.product_id) == 1)


def cancelled(shop: RunningShop, arm: Arm) -> None:
    """Placed, the sheet opened, cancelled."""
    life = Life(shop, arm)
    life.place(life.agreed())
    life.sheet()
    arm()
    assert life.call("POST", f"/orders/{life.number}/cancel")["state"] == "CLOSED"
    life.fire("close_unpaid_orders")
    life.fire("finish_open_intents")
    assert life.state() == "CLOSED"
    life.assert_stock("RELEASE", "RESERVE")
    assert [paid for paid in shop.at_wechat(life.number) if paid["paid_fen"]] == []


def unheard(shop: RunningShop, arm: Arm) -> None:
    """Paid, but no notification comes: the ladder of queries finds the money."""
    life = Life(shop, arm)
    life.place(life.agreed())
    shop.wechat.misbehave("notice_lost", call="payment_notice", times=None)
    life.pay()
    shop.wechat.deliver_notifications()
    arm()
    for _ in range(_TRIES):
        if life.state() == "TO_SHIP":
            break
        shop.let_pass(QUERY_LADDER[-1], life.number)
        life.fire("sync_payments")
    shop.wechat.behave()
    assert life.state() == "TO_SHIP"
    life.assert_stock("DEDUCT", "RESERVE")
    life.assert_paid_once()


def left_unknown(shop: RunningShop, arm: Arm) -> None:
    """The prepay's answer is lost and the shopper walks away: the sweep decides, and later the shopper pays."""
    life = Life(shop, arm)
    life.place(life.agreed())
    arm()
    shop.wechat.misbehave("reset_after", call="prepay")
    try:
        assert life.shopper.phone.attempt("POST", f"/orders/{life.number}/pay")[0] >= 500
    except urllib3.exceptions.HTTPError:
        life.failures += 1
    for _ in range(3):
        shop.let_pass(QUERY_LADDER[-1], life.number)
        life.fire("finish_open_intents")
    assert shop.payment(life.number)["state"] == "PREPAID"
    open_calls = "SELECT COUNT(*) FROM payment_call c JOIN payment p ON p.id = c.payment_id WHERE p.order_number = %s"
    assert shop.one(f"{open_calls} AND c.ended_at IS NULL", life.number) == 0
    life.pay()
    life.heard()
    life.assert_stock("DEDUCT", "RESERVE")
    life.assert_paid_once()


def group_failed(shop: RunningShop, arm: Arm) -> None:
    """A leader pays, nobody joins, the time is over: the group ends and the money goes back."""
    life = Life(shop, arm)
    activity_id = shop.db.run(lambda tx: activities.define_activity(tx, draft(life.goods, skus=[
        {"sku_id": str(life.goods.sku_id), "price_fen": _PRICE_FEN - 300, "quota": 3}])).activity_id)  # fmt: skip
    shop.db.run(lambda tx: activities.publish_activity(tx, activity_id))
    life.place(life.agreed(group_buy={"activity_id": str(activity_id)}))
    life.pay()
    life.heard()
    group_id = shop.one("SELECT group_id FROM group_buy_member WHERE order_number = %s", life.number)
    drills.let_group_time_pass(shop.db, group_id, 25)
    arm()
    life.fire("settle_group_buys")
    life.sent_back()
    assert shop.one("SELECT state FROM group_buy_group WHERE id = %s", group_id) == "FAILED"
    assert shop.one("SELECT taken FROM group_buy_sku WHERE activity_id = %s", activity_id) == 0
    life.assert_paid_once()
    life.assert_refunded_once()
    shop.db.run(lambda tx: activities.stop_activity(tx, activity_id))


def code_redeemed(shop: RunningShop, arm: Arm) -> None:
    """A coupon code is typed in."""
    life = Life(shop, arm)
    template_id = Coupons(shop.db).offer(channel="CODE", quota=10)
    with shop_keys(shop):
        (code,) = shop.db.run(lambda tx: codes.generate_codes(tx, template_id, 1)).codes
    arm()
    first = life.call("POST", "/coupons/redemptions", {"code": code})
    assert life.call("POST", "/coupons/redemptions", {"code": code}) == first
    assert shop.one("SELECT COUNT(*) FROM coupon WHERE template_id = %s", template_id) == 1
    assert shop.one("SELECT issued FROM coupon_template WHERE id = %s", template_id) == 1


def logged_in(shop: RunningShop, arm: Arm) -> None:
    """wx.login's code works once, so a mini-program whose login died asks for another."""
    openid = str(shop.wechat.create_shopper()["openid"])
    life = Life(shop, arm)
    before = shop.one("SELECT COUNT(*) FROM member")
    arm()
    for _ in range(_TRIES):
        try:
            status, _answer = life.shopper.phone.attempt("POST", "/log-in", {"code": shop.wechat.login_code(openid)})
        except urllib3.exceptions.HTTPError:
            continue
        if status == 200:
            break
    assert shop.one("SELECT COUNT(*) FROM member") == before + 1
    shop.relay()


def phone_bound(shop: RunningShop, arm: Arm) -> None:
    """The phone button's code works once, too."""
    life = Life(shop, arm)
    arm()
    for _ in range(_TRIES):
        body = {"code": shop.wechat.phone_code(life.shopper.openid)}
        try:
            status, profile = life.shopper.phone.attempt("POST", "/profile/phone", body)
        except urllib3.exceptions.HTTPError:
            continue
        if status == 200:
            break
    assert profile["phone"]
