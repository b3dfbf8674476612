"""The life of an order: re-entry, expiry, clamps, races, and what the shopper's WeChat takes."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from infra.local.wechat_sandbox.server import SandboxServer

from .merchant import OPENID, Merchant

OK = {"errMsg": "requestPayment:ok"}
CANCEL = {"errMsg": "requestPayment:fail cancel"}
SHANGHAI = dt.timezone(dt.timedelta(hours=8))


def moment(sandbox: SandboxServer, **ahead: float) -> str:
    """Return the platform's time plus something, as time_expire wants it."""
    now = dt.datetime.fromisoformat(sandbox.client.call("GET", "clock")["now"])
    return (now + dt.timedelta(**ahead)).isoformat()


def test_reentry_with_the_identical_body_gives_another_prepay_id(merchant: Merchant) -> None:
    first, again = merchant.prepay(), merchant.prepay()
    assert first[0] == again[0] == 200
    assert first[1]["prepay_id"] != again[1]["prepay_id"]
    client = merchant.sandbox.client
    assert [p["prepay_id"] for p in client.pending_payments()] == [again[1]["prepay_id"]]
    assert client.confirm_payment(first[1]["prepay_id"]) == OK
    assert "paid or closed" in client.confirm_payment(again[1]["prepay_id"])["errMsg"]
    assert merchant.prepay()[1]["code"] == "ORDER_PAID"
    assert client.ledger()["totals"]["paid_fen"] == 990


@pytest.mark.parametrize("change", [{"total": 991}, {"attach": "x"}])
def test_reentry_with_another_body(merchant: Merchant, change: dict[str, Any]) -> None:
    merchant.prepay()
    status, answer = merchant.prepay(**change)
    assert (status, answer["code"]) == (400, "INVALID_REQUEST")
    assert answer["message"] == "请求重入时，参数与首次请求时不一致"


def test_prepay_id_lives_two_hours(merchant: Merchant) -> None:
    client, old = merchant.sandbox.client, merchant.prepay()[1]["prepay_id"]
    client.advance(7201)
    assert "two hours" in client.confirm_payment(old)["errMsg"]
    assert client.pending_payments() == []
    assert client.confirm_payment(merchant.prepay()[1]["prepay_id"]) == OK


@pytest.mark.parametrize(
    ("asked", "alive_seconds"),
    [({"seconds": 5}, 50), ({"hours": -1}, 50), ({"minutes": 30}, 1790), ({"days": 200}, 90 * 86400 - 60)],
)
def test_time_expire_is_clamped(merchant: Merchant, asked: dict[str, float], alive_seconds: int) -> None:
    sandbox = merchant.sandbox
    expire = moment(sandbox, **asked)
    merchant.prepay(time_expire=expire)
    sandbox.client.advance(alive_seconds)
    fresh = merchant.prepay(time_expire=expire)
    assert fresh[0] == 200
    sandbox.client.advance(90)
    assert sandbox.client.confirm_payment(fresh[1]["prepay_id"])["errMsg"].startswith("requestPayment:fail the")
    assert merchant.prepay(time_expire=expire)[1]["code"] == "ORDER_CLOSED"
    # Expiry stops payment but changes no state; only the seventh day closes.
    state = "NOTPAY" if alive_seconds < 7 * 86400 else "CLOSED"
    assert merchant.query()[1]["trade_state"] == state


def test_unpaid_orders_close_by_themselves_after_seven_days(merchant: Merchant) -> None:
    merchant.prepay()
    merchant.sandbox.client.advance(7 * 86400 - 60)
    assert merchant.query()[1]["trade_state"] == "NOTPAY"
    merchant.sandbox.client.advance(120)
    assert merchant.query()[1]["trade_state"] == "CLOSED"


def test_a_paid_order_cannot_be_closed(merchant: Merchant) -> None:
    merchant.paid()
    status, text = merchant.pay.close("ORDER-1")
    assert (status, '"ORDER_PAID"' in text) == (400, True)
    assert merchant.pay.close("NOBODY-1")[0] == 404


def test_a_closed_order_cannot_be_paid(merchant: Merchant) -> None:
    prepay_id = merchant.prepay()[1]["prepay_id"]
    merchant.pay.close("ORDER-1")
    assert merchant.sandbox.client.confirm_payment(prepay_id)["errMsg"].startswith("requestPayment:fail ")
    assert merchant.sandbox.client.ledger()["totals"]["paid_fen"] == 0


def test_payment_wins_the_race_against_close(merchant: Merchant) -> None:
    merchant.prepay()
    merchant.sandbox.client.misbehave("pay_first")
    assert "ORDER_PAID" in merchant.pay.close("ORDER-1")[1]
    assert merchant.query()[1]["trade_state"] == "SUCCESS"
    assert [n["event_type"] for n in merchant.sandbox.client.notices()] == ["TRANSACTION.SUCCESS"]


def test_cancel_and_walk_away_leave_the_order_payable(merchant: Merchant) -> None:
    client, prepay_id = merchant.sandbox.client, merchant.prepay()[1]["prepay_id"]
    signed = merchant.parameters(prepay_id)
    assert client.cancel_payment(signed) == CANCEL
    assert client.walk_away(signed) == {"errMsg": None}
    assert client.pending_payments()[0]["shopper_action"] == "walked away"
    assert merchant.query()[1]["trade_state"] == "NOTPAY"
    assert client.confirm_payment(signed, openid=OPENID) == OK
    assert client.pending_payments() == []


@pytest.mark.parametrize(
    "change",
    [
        {"timeStamp": "1700000001"},
        {"nonceStr": "other"},
        {"package": "prepay_id=other"},
        {"signType": "MD5"},
        {"paySign": "AAAA"},
        {"timeStamp": "soon"},
    ],
)
def test_a_wrong_pay_sign_looks_like_a_cancel(merchant: Merchant, change: dict[str, str]) -> None:
    signed = merchant.parameters(merchant.prepay()[1]["prepay_id"]) | change
    assert merchant.sandbox.client.confirm_payment(signed) == CANCEL
    assert merchant.query()[1]["trade_state"] == "NOTPAY"


@pytest.mark.parametrize("name", ["timeStamp", "nonceStr", "package", "signType", "paySign"])
def test_parameters_are_texts(merchant: Merchant, name: str) -> None:
    signed: dict[str, Any] = merchant.parameters(merchant.prepay()[1]["prepay_id"])
    for wrong in (1700000000, None, ""):
        message = merchant.sandbox.client.confirm_payment(signed | {name: wrong})["errMsg"]
        assert message.startswith(f"requestPayment:fail parameter error: parameter.{name}")


def test_only_the_payer_pays(merchant: Merchant) -> None:
    signed = merchant.parameters(merchant.prepay()[1]["prepay_id"])
    assert merchant.sandbox.client.confirm_payment(signed, openid="oAnother")["errMsg"] != OK["errMsg"]
    assert merchant.query()[1]["trade_state"] == "NOTPAY"


def test_a_platform_coupon_lowers_what_the_payer_pays(merchant: Merchant) -> None:
    merchant.paid(coupon_fen=90)
    found = merchant.query()[1]
    assert found["amount"] == {"total": 990, "payer_total": 900, "currency": "CNY", "payer_currency": "CNY"}
    assert [coupon["amount"] for coupon in found["promotion_detail"]] == [90]
    amount = merchant.refund(refund=990)[1]["amount"]
    assert (amount["payer_refund"], amount["discount_refund"]) == (900, 90)


def test_attach_comes_back_once_paid(merchant: Merchant) -> None:
    prepay_id = merchant.prepay(attach="柜台7")[1]["prepay_id"]
    assert "attach" not in merchant.query()[1]
    merchant.sandbox.client.confirm_payment(prepay_id)
    assert merchant.query()[1]["attach"] == "柜台7"


def test_stamps_follow_the_virtual_clock(merchant: Merchant) -> None:
    merchant.sandbox.client.advance(40 * 86400)
    merchant.paid()
    paid = dt.datetime.fromisoformat(merchant.query()[1]["success_time"])
    assert paid.utcoffset() == dt.timedelta(hours=8)
    assert paid - dt.datetime.now(dt.UTC) > dt.timedelta(days=39)


def test_one_order_is_paid_once_however_many_try_at_once(merchant: Merchant) -> None:
    client = merchant.sandbox.client
    prepay_ids = [merchant.prepay()[1]["prepay_id"] for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(client.confirm_payment, prepay_ids))
    assert answers.count(OK) == 1
    assert client.ledger()["totals"]["paid_fen"] == 990
    assert len(client.notices()) == 1
