"""Answers that go wrong on request: errors, lost answers, spoilt signatures, old spellings."""

from __future__ import annotations

import time
from typing import Any

import pytest
import urllib3

from infra.local.wechat_sandbox.client import ControlError
from infra.local.wechat_sandbox.faults import PAY_API, Call, Fault, FaultBoard, fits

from .merchant import OPENID, Merchant

PATH = "/v3/pay/transactions/jsapi"


def prepay(merchant: Merchant) -> urllib3.BaseHTTPResponse:
    """Open an order by hand."""
    merchant.sandbox.client.create_shopper(openid=OPENID)
    return merchant.raw("POST", PATH, merchant.body())


def orders(merchant: Merchant) -> int:
    """Count the orders in the sandbox's books."""
    return len(merchant.sandbox.client.ledger()["payments"])


@pytest.mark.parametrize(
    ("name", "status", "code", "happened"),
    [
        ("rate_limited", 429, "FREQUENCY_LIMITED", 0),
        ("error_before", 500, "SYSTEM_ERROR", 0),
        ("user_paying", 202, "USERPAYING", 0),
        ("pay_error", 400, "INVALID_REQUEST", 0),
        ("error_after", 500, "SYSTEM_ERROR", 1),
    ],
)
def test_errors_before_and_after(merchant: Merchant, name: str, status: int, code: str, happened: int) -> None:
    merchant.sandbox.client.misbehave(name, call="prepay")
    answer = prepay(merchant)
    assert (answer.status, answer.json()["code"], orders(merchant)) == (status, code, happened)
    assert answer.headers["Request-ID"].rpartition("-")[2].isdigit()
    assert prepay(merchant).status == 200


def test_any_error_can_be_planned(merchant: Merchant) -> None:
    value = {"status": 403, "code": "ACCOUNT_ERROR", "message": "账号异常"}
    merchant.sandbox.client.misbehave("pay_error", call="prepay", value=value)
    answer = prepay(merchant)
    assert (answer.status, answer.json()) == (403, {"code": "ACCOUNT_ERROR", "message": "账号异常"})


@pytest.mark.parametrize(("name", "happened"), [("reset_before", 0), ("reset_after", 1)])
def test_the_connection_breaks(merchant: Merchant, name: str, happened: int) -> None:
    merchant.sandbox.client.misbehave(name, call="prepay")
    with pytest.raises(urllib3.exceptions.ProtocolError, match="reset"):
        prepay(merchant)
    assert orders(merchant) == happened
    assert prepay(merchant).status == 200


def test_a_stalled_answer_times_out_after_success(merchant: Merchant) -> None:
    merchant.sandbox.client.misbehave("stall", call="prepay", value=20)
    merchant.http = urllib3.PoolManager(retries=False, timeout=0.3)
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        prepay(merchant)
    assert orders(merchant) == 1


def test_every_answer_is_signed_even_refusals_and_204(merchant: Merchant) -> None:
    mchid = merchant.secret["mchid"]
    close = f"/v3/pay/transactions/out-trade-no/{'ORDER-1'}/close"
    answers = [
        prepay(merchant),
        merchant.raw("POST", close, {"mchid": mchid}),
        merchant.raw("GET", f"/v3/pay/transactions/out-trade-no/NOBODY-1?mchid={mchid}"),
        merchant.raw("GET", "/v3/refund/domestic/refunds/R1", authorization="wrong"),
    ]
    assert [answer.status for answer in answers] == [200, 204, 404, 401]
    for answer in answers:
        assert merchant.pay._core._verify_signature(answer.headers, answer.data.decode())
        assert abs(time.time() - int(answer.headers["Wechatpay-Timestamp"])) < 60


@pytest.mark.parametrize("name", ["signature_corrupt", "signature_forged", "signature_probe", "body_tampered"])
def test_spoilt_signatures_fail_in_the_oracle(merchant: Merchant, name: str) -> None:
    merchant.sandbox.client.misbehave(name, call="query")
    merchant.prepay()
    with pytest.raises(Exception, match="failed to verify the signature"):
        merchant.query()
    assert merchant.query()[0] == 200


def test_missing_and_aged_signatures(merchant: Merchant) -> None:
    client = merchant.sandbox.client
    client.misbehave("signature_missing", call="prepay")
    assert not any(name.lower().startswith("wechatpay") for name in prepay(merchant).headers)
    client.misbehave("signature_aged", call="prepay", value=900)
    aged = prepay(merchant)
    assert 890 < time.time() - int(aged.headers["Wechatpay-Timestamp"]) < 960
    assert merchant.pay._core._verify_signature(aged.headers, aged.data.decode())


def test_a_204_has_its_spoilt_signature_too(merchant: Merchant) -> None:
    merchant.prepay()
    merchant.sandbox.client.misbehave("signature_forged", call="close")
    with pytest.raises(Exception, match="failed to verify the signature"):
        merchant.pay.close("ORDER-1")
    assert merchant.query()[1]["trade_state"] == "CLOSED"


def test_old_spellings_by_switch(merchant: Merchant) -> None:
    merchant.paid()
    merchant.sandbox.client.misbehave("old_spelling", times=None)
    assert '"ORDERPAID"' in merchant.pay.close("ORDER-1")[1]
    assert merchant.query("NOBODY-1")[1]["code"] == "ORDERNOTEXIST"
    merchant.sandbox.client.behave("old_spelling")
    assert merchant.query("NOBODY-1")[1]["code"] == "ORDER_NOT_EXIST"


def test_mixed_mode_answers_with_the_key_that_the_request_names(merchant: Merchant) -> None:
    config = merchant.sandbox.config
    merchant.sandbox.client.settings(serial_mode="mixed")
    path = "/v3/certificates"
    assert merchant.raw("GET", path).headers["Wechatpay-Serial"] == config.certificate_serial
    named = merchant.raw("GET", path, Wechatpay_Serial=config.platform_public_key_id)
    assert named.headers["Wechatpay-Serial"] == config.platform_public_key_id
    merchant.sandbox.client.settings(serial_mode="public_key")
    assert merchant.raw("GET", path).status == 404


def test_counts_and_kinds(merchant: Merchant) -> None:
    client = merchant.sandbox.client
    client.misbehave("error_before", times=2, call="query")
    merchant.prepay()
    assert [merchant.query()[0] for _ in range(3)] == [500, 500, 200]
    assert client.call("GET", "faults") == {"faults": []}
    client.misbehave("rate_limited", times=None)
    assert [merchant.query()[0], merchant.prepay()[0]] == [429, 429]
    client.behave()
    assert merchant.query()[0] == 200


@pytest.mark.parametrize(
    "plan",
    [
        {"name": "nothing"},
        {"name": "pay_first", "call": "query"},
        {"name": "notice_lost", "call": "prepay"},
        {"name": "stall", "times": 0},
        {"name": "stall", "times": "3"},
        {"name": "stall", "value": "long"},
        {"name": "refund_outcome", "value": "LOST"},
        {"name": "pay_error", "value": "x"},
        {"name": "notice_lost", "value": 1},
    ],
)
def test_impossible_plans_are_refused(merchant: Merchant, plan: dict[str, Any]) -> None:
    with pytest.raises(ControlError):
        merchant.sandbox.client.call("POST", "faults", plan)


def test_every_fault_fits_something() -> None:
    board = FaultBoard()
    for fault in Fault:
        assert fits(fault)
        board.plan(fault, sorted(fits(fault))[0])
    assert len(board.listing()) == len(Fault)
    assert board.take(Fault.WECHAT_ERROR, Call.PREPAY) is None
    assert Call.LOGIN not in PAY_API
