"""Refunds: the platform's limits, repeated numbers, abnormal and closed ends, and the merchant's balance."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.local.wechat_sandbox.client import ControlError

from .merchant import Mailbox, Merchant

PATH = "/v3/refund/domestic/refunds"


def code(answer: tuple[int, Any]) -> str:
    """Return status and code of a refusal."""
    return f"{answer[0]} {answer[1]['code']}"


def test_the_same_number_is_one_refund(merchant: Merchant) -> None:
    merchant.paid()
    first, again = merchant.refund(), merchant.refund()
    assert first == again
    assert code(merchant.refund(refund=101)) == "400 INVALID_REQUEST"
    merchant.sandbox.client.deliver_notifications()
    assert merchant.refund()[1]["status"] == "SUCCESS"
    assert merchant.sandbox.client.ledger()["totals"]["refunded_fen"] == 100


def test_by_transaction_id(merchant: Merchant) -> None:
    merchant.paid()
    paid = merchant.query()[1]["transaction_id"]
    assert merchant.refund(transaction_id=paid)[1]["transaction_id"] == paid
    assert code(merchant.refund("R2", transaction_id="4200000000")) == "404 RESOURCE_NOT_EXISTS"


def test_more_than_the_order_is_refused(merchant: Merchant) -> None:
    merchant.sandbox.client.settings(minute_between_refunds=False)
    merchant.paid()
    assert code(merchant.refund(refund=991)) == "400 INVALID_REQUEST"
    assert merchant.refund("R1", refund=600)[0] == 200
    assert code(merchant.refund("R2", refund=391)) == "400 INVALID_REQUEST"
    assert merchant.refund("R3", refund=390)[0] == 200


def test_wrong_totals_unpaid_and_unknown_orders(merchant: Merchant) -> None:
    merchant.prepay()
    assert code(merchant.refund()) == "404 RESOURCE_NOT_EXISTS"
    assert code(merchant.refund(out_trade_no="NOBODY-1")) == "404 RESOURCE_NOT_EXISTS"
    merchant.paid("ORDER-2")
    assert code(merchant.refund(out_trade_no="ORDER-2", total=989)) == "400 INVALID_REQUEST"
    assert merchant.pay.query_refund("R1")[0] == 404


def test_a_minute_between_refunds_unless_switched_off(merchant: Merchant) -> None:
    client = merchant.sandbox.client
    merchant.paid()
    assert merchant.refund("R1")[0] == 200
    assert code(merchant.refund("R2")) == "429 FREQUENCY_LIMITED"
    client.advance(61)
    assert merchant.refund("R2")[0] == 200
    client.settings(minute_between_refunds=False)
    assert merchant.refund("R3")[0] == 200


def test_fifty_refunds(merchant: Merchant) -> None:
    merchant.sandbox.client.settings(minute_between_refunds=False)
    merchant.paid()
    assert {merchant.refund(f"R{n}", refund=1)[0] for n in range(50)} == {200}
    assert code(merchant.refund("R50", refund=1)) == "400 INVALID_REQUEST"


def test_one_year(merchant: Merchant) -> None:
    merchant.paid()
    merchant.sandbox.client.advance(365 * 86400 - 60)
    assert merchant.refund("R1")[0] == 200
    merchant.sandbox.client.advance(120)
    assert code(merchant.refund("R2")) == "400 INVALID_REQUEST"


@pytest.mark.parametrize(
    "change",
    [
        {"out_refund_no": "R 1"},
        {"out_refund_no": "R" * 65},
        {"reason": "错" * 81},
        {"notify_url": "https://shop.example/?x=1"},
        {"funds_account": "UNSETTLED"},
        {"amount": {"refund": 0, "total": 990, "currency": "CNY"}},
        {"amount": {"refund": 1.0, "total": 990, "currency": "CNY"}},
        {"amount": {"refund": 1, "total": 990}},
        {"out_trade_no": None},
        {"operator": "x"},
    ],
)
def test_fields(merchant: Merchant, change: dict[str, Any]) -> None:
    merchant.paid()
    amount = {"refund": 1, "total": 990, "currency": "CNY"}
    body = {"out_trade_no": "ORDER-1", "out_refund_no": "R1", "amount": amount} | change
    answer = merchant.raw("POST", PATH, {name: value for name, value in body.items() if value is not None})
    assert (answer.status, answer.json()["code"]) == (400, "PARAM_ERROR")


def test_abnormal_then_success_by_control(merchant: Merchant, box: Mailbox) -> None:
    client = merchant.sandbox.client
    merchant.paid()
    client.misbehave("refund_outcome", value="ABNORMAL")
    merchant.refund()
    client.deliver_notifications()
    assert merchant.refund_status() == "ABNORMAL"
    assert client.ledger()["totals"]["refunded_fen"] == 0
    client.settle_refund("R1")
    client.deliver_notifications()
    told = [merchant.pay.callback(*mail) for mail in box.received]
    assert [t["event_type"] for t in told] == ["TRANSACTION.SUCCESS", "REFUND.ABNORMAL", "REFUND.SUCCESS"]
    assert ["success_time" in t["resource"] for t in told] == [True, False, True]
    assert client.ledger()["totals"]["refunded_fen"] == 100


def test_abnormal_then_success_by_application(merchant: Merchant) -> None:
    client = merchant.sandbox.client
    merchant.paid()
    client.misbehave("refund_outcome", value="ABNORMAL")
    path = f"{PATH}/{merchant.refund()[1]['refund_id']}/apply-abnormal-refund"
    body = {"out_refund_no": "R1", "type": "MERCHANT_BANK_CARD"}
    assert merchant.raw("POST", path, body).json()["code"] == "INVALID_REQUEST"
    client.advance(1)
    assert merchant.raw("POST", path, body).json()["status"] == "PROCESSING"
    client.advance(1)
    assert merchant.refund_status() == "SUCCESS"
    assert merchant.raw("POST", f"{PATH}/nobody/apply-abnormal-refund", body).status == 404


def test_closed_refund_frees_its_money(merchant: Merchant) -> None:
    client = merchant.sandbox.client
    merchant.paid()
    client.misbehave("refund_outcome", value="CLOSED")
    merchant.refund("R1", refund=990)
    client.advance(61)
    assert merchant.refund_status() == "CLOSED"
    assert merchant.query()[1]["trade_state"] == "SUCCESS"
    assert merchant.refund("R2", refund=990)[0] == 200
    with pytest.raises(ControlError, match="cannot become"):
        client.settle_refund("R1")


def test_held_until_settled(merchant: Merchant) -> None:
    client = merchant.sandbox.client
    merchant.paid()
    client.misbehave("refund_outcome", value="HOLD")
    merchant.refund()
    client.advance(86400)
    assert merchant.refund_status() == "PROCESSING"
    assert client.settle_refund("R1", "SUCCESS")["status"] == "SUCCESS"


def test_delay_and_moment_of_the_refund_state(merchant: Merchant) -> None:
    client = merchant.sandbox.client
    client.settings(refund_delay_seconds=3600, refund_state_on="accepted")
    merchant.paid()
    merchant.refund()
    client.advance(3500)
    assert (merchant.refund_status(), merchant.query()[1]["trade_state"]) == ("PROCESSING", "REFUND")
    client.advance(200)
    assert merchant.refund_status() == "SUCCESS"


def test_short_balance_creates_nothing(merchant: Merchant) -> None:
    merchant.paid()
    merchant.sandbox.client.misbehave("not_enough")
    assert code(merchant.refund()) == "403 NOT_ENOUGH"
    assert merchant.pay.query_refund("R1")[0] == 404
    assert merchant.refund()[0] == 200


def test_without_notify_url_nobody_is_told(merchant: Merchant) -> None:
    merchant.paid()
    amount = {"refund": 1, "total": 990, "currency": "CNY"}
    body = {"out_trade_no": "ORDER-1", "out_refund_no": "R1", "amount": amount}
    assert json.loads(merchant.raw("POST", PATH, body).data)["status"] == "PROCESSING"
    merchant.sandbox.client.advance(1)
    assert merchant.refund_status() == "SUCCESS"
    assert [n["event_type"] for n in merchant.sandbox.client.notices()] == ["TRANSACTION.SUCCESS"]
