"""Courses of business, played by callers who do not give up.

Each course calls `arm` where the interesting part begins, and checks in the end that everything happened exactly once.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import urllib3

from infra.demo import drills
from infra.local.shop import kept_secrets
from orchard.coupons.service import codes
from orchard.group_buy.service import activities
from orchard.workflows.refund_settled import refund_order
from tests.support import environment
from tests.support.caller import PRICE_FEN, TRIES, Arm, Life
from tests.support.coupons import Coupons
from tests.support.group_buys import draft
from tests.support.scenario import ADDRESS, RunningShop


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
    life.until(lambda: life.state() == "TO_SHIP", "sync_payments")
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
    open_calls = (
        "SELECT COUNT(*) FROM payment_call c JOIN payment p ON p.id = c.payment_id"
        " WHERE c.ended_at IS NULL AND p.order_number = %s"
    )
    life.until(lambda: shop.one(open_calls, life.number) == 0, "finish_open_intents")
    shop.wechat.behave()
    there = [paid["state"] for paid in shop.at_wechat(life.number)]
    ours = [row["state"] for row in shop.rows("SELECT state FROM payment WHERE order_number = %s", life.number)]
    # Where the intent itself never was committed, nothing was asked of WeChat Pay.
    assert ours in ([["PREPAID"]] if there else [["CREATED"], []]), there
    life.pay()
    life.heard()
    life.assert_stock("DEDUCT", "RESERVE")
    life.assert_paid_once()


def group_failed(shop: RunningShop, arm: Arm) -> None:
    """A leader pays, nobody joins, the time is over: the group ends and the money goes back."""
    life = Life(shop, arm)
    activity_id = shop.db.run(lambda tx: activities.define_activity(tx, draft(life.goods, skus=[
        {"sku_id": str(life.goods.sku_id), "price_fen": PRICE_FEN - 300, "quota": 3}])).activity_id)  # fmt: skip
    shop.db.run(lambda tx: activities.publish_activity(tx, activity_id))
    life.place(life.agreed(group_buy={"activity_id": str(activity_id)}))
    life.pay()
    life.heard()
    group_id = shop.one("SELECT group_id FROM group_buy_member WHERE order_number = %s", life.number)
    drills.let_group_time_pass(shop.db, group_id, 25)
    arm()
    life.until(lambda: life.state() != "GROUPING", "settle_group_buys")
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
    for _ in range(TRIES):
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
    for _ in range(TRIES):
        body = {"code": shop.wechat.phone_code(life.shopper.openid)}
        try:
            status, profile = life.shopper.phone.attempt("POST", "/profile/phone", body)
        except urllib3.exceptions.HTTPError:
            continue
        if status == 200:
            break
    assert profile["phone"]


def kept_house(shop: RunningShop, arm: Arm) -> None:
    """The cart, the address book and the profile: every small write, said twice where it has a key."""
    life, key = Life(shop, arm), secrets.token_hex(16)
    arm()
    line = {"sku_id": str(life.goods.sku_id), "quantity": 2}
    first = life.call("POST", "/cart/lines", line, key)
    assert life.call("POST", "/cart/lines", line, key) == first
    one = f"/cart/lines/{first['line_id']}"
    life.call("PATCH", one, {"quantity": 3})
    life.call("PATCH", "/cart/lines", {"all": True, "selected": False})
    (kept,) = life.call("GET", "/cart")["lines"]
    assert (kept["quantity"], kept["selected"]) == (3, False)
    life.call("DELETE", one)
    assert life.call("GET", "/cart")["lines"] == []
    address = life.call("POST", "/addresses", ADDRESS, key)
    assert life.call("POST", "/addresses", ADDRESS, key) == address
    path = f"/addresses/{address['address_id']}"
    life.call("PUT", path, {**ADDRESS, "detail": "世纪大道 8 号"})
    (kept,) = life.call("GET", "/addresses")["addresses"]
    assert kept["detail"] == "世纪大道 8 号"
    life.call("DELETE", path)
    assert life.call("GET", "/addresses")["addresses"] == []
    assert life.call("PATCH", "/profile", {"birthday": "1990-01-02"})["birthday"] == "1990-01-02"
