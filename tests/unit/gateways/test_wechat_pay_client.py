"""The client against a platform that answers, fails and lies as scripted."""

import json
import logging
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from wechatpayv3 import utils as oracle
from werkzeug.wrappers import Request, Response

from orchard.core.errors import AppError, CounterpartyRefused, CounterpartyUnknown, Unavailable
from orchard.gateways.errors import ConfigurationError
from orchard.gateways.http import Timeouts
from orchard.gateways.wechat_pay import (
    AlreadyClosed,
    AlreadyPaid,
    FrequencyLimited,
    MerchantSetupRefused,
    NotEnoughBalance,
    OrderMissing,
    OutcomeUnknown,
    RefundRequest,
    RetryLater,
    WeChatPayClient,
)
from orchard.gateways.wechat_pay.errors import normalise
from tests.unit.gateways.pay_platform import (
    APP_ID,
    MERCHANT_ID,
    PUBLIC_SERIAL,
    Platform,
    Scripted,
    plain,
)

NUMBER = "20260301ABCDEF"
EXPIRES = datetime(2026, 3, 1, 4, 30, 0, 999999, tzinfo=UTC)
UNPAID = {
    "appid": APP_ID,
    "mchid": MERCHANT_ID,
    "out_trade_no": NUMBER,
    "trade_state": "NOTPAY",
    "trade_state_desc": "订单未支付",
    "amount": {"total": 1999},
    "payer": {"openid": "oShopper"},
}
PAID = UNPAID | {"trade_state": "SUCCESS", "transaction_id": "4200000001", "success_time": "2026-03-01T12:00:00+08:00"}
REFUND = {
    "refund_id": "5030000001",
    "out_refund_no": "R1",
    "transaction_id": "4200000001",
    "out_trade_no": NUMBER,
    "channel": "ORIGINAL",
    "user_received_account": "支付用户零钱",
    "create_time": "2026-03-01T12:00:00+08:00",
    "status": "PROCESSING",
    "amount": {"total": 1999, "refund": 999, "payer_total": 1999, "payer_refund": 999},
}
ASKED = RefundRequest(
    out_trade_no=NUMBER,
    out_refund_no="R1",
    refund_fen=999,
    total_fen=1999,
    notify_url="https://shop.example/wechat-pay/refunds",
    reason="苹果坏了",
)


@pytest.fixture(scope="module")
def client(platform: Platform, server: Scripted) -> WeChatPayClient:
    return WeChatPayClient(platform.keys(), server.url, timeouts=Timeouts(connect=1.0, read=0.3))


def body(client: WeChatPayClient, **changed: Any) -> bytes:
    given: dict[str, Any] = {
        "out_trade_no": NUMBER,
        "description": "苹果",
        "total_fen": 1999,
        "openid": "oShopper",
        "notify_url": "https://shop.example/wechat-pay/payments",
        "time_expire": EXPIRES,
    }
    return client.prepay_body(**(given | changed))


Action = Callable[[WeChatPayClient], object]
ACTIONS: dict[str, Action] = {
    "prepay": lambda client: client.prepay(body(client)),
    "query": lambda client: client.query(NUMBER),
    "close": lambda client: client.close(NUMBER),
    "refund": lambda client: client.refund(ASKED),
    "query_refund": lambda client: client.query_refund("R1"),
}
GOOD: dict[str, tuple[Any, int]] = {
    "prepay": ({"prepay_id": "wx26112221580621e9b071c00d9e093b0000"}, 200),
    "query": (PAID, 200),
    "close": (None, 204),
    "refund": (REFUND, 200),
    "query_refund": (REFUND, 200),
}
every_action = pytest.mark.parametrize("action", ACTIONS)


def test_prepay_body_is_the_same_bytes_each_time(client: WeChatPayClient) -> None:
    made = body(client)
    assert made == body(client)
    assert json.loads(made) == {
        "appid": APP_ID,
        "mchid": MERCHANT_ID,
        "description": "苹果",
        "out_trade_no": NUMBER,
        "time_expire": "2026-03-01T12:30:00+08:00",
        "notify_url": "https://shop.example/wechat-pay/payments",
        "amount": {"total": 1999, "currency": "CNY"},
        "payer": {"openid": "oShopper"},
    }
    assert len(json.loads(body(client, description="果" * 200))["description"]) == 127
    assert json.loads(body(client, attach="x"))["attach"] == "x"


@pytest.mark.parametrize(
    "wrong",
    [
        {"out_trade_no": "short"},
        {"out_trade_no": "x" * 33},
        {"out_trade_no": "20260301/../x"},
        {"total_fen": 0},
        {"total_fen": 1.0},
        {"total_fen": True},
        {"time_expire": EXPIRES.replace(tzinfo=None)},
    ],
)
def test_prepay_body_refuses_what_cannot_be_right(client: WeChatPayClient, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"out_trade_no|total_fen|naive"):
        body(client, **wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"refund_fen": 0},
        {"refund_fen": 2000},
        {"refund_fen": 9.0},
        {"out_refund_no": "R/1"},
        {"out_refund_no": "R1\n"},
        {"reason": "x" * 81},
        {"out_trade_no": "short"},
        {"surprise": 1},
    ],
)
def test_refund_request_refuses_what_cannot_be_right(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RefundRequest(**(ASKED.model_dump() | wrong))


@every_action
def test_request_is_signed_over_what_was_sent(
    client: WeChatPayClient, server: Scripted, platform: Platform, action: str
) -> None:
    content, status = GOOD[action]
    server.will(platform.reply(content, status))
    ACTIONS[action](client)
    request, sent = server.asked[0], server.bodies[0]
    fields = dict(part.split("=", 1) for part in request.headers["Authorization"].split(" ", 1)[1].split(","))
    target = request.environ["REQUEST_URI"]
    first = f"{request.method}\n{target}\n{fields['timestamp'][1:-1]}"
    assert oracle.rsa_verify(
        first, fields["nonce_str"][1:-1], sent.decode(), fields["signature"][1:-1], platform.merchant.public_key()
    )
    assert request.headers["Wechatpay-Serial"] == PUBLIC_SERIAL
    assert request.headers["Accept"] == request.headers["Content-Type"] == "application/json"
    assert request.headers["User-Agent"]


def test_certificate_mode_announces_no_serial(server: Scripted, platform: Platform) -> None:
    only = {k: v for k, v in platform.public_keys().items() if k != PUBLIC_SERIAL}
    client = WeChatPayClient(platform.keys(platform_public_keys=only), server.url)
    server.will(platform.reply(PAID, serial=platform.certificate_serial))
    assert client.query(NUMBER) is not None
    assert "Wechatpay-Serial" not in server.asked[0].headers


def test_answers_become_types(client: WeChatPayClient, server: Scripted, platform: Platform) -> None:
    server.will(*(platform.reply(*GOOD[action]) for action in GOOD))
    assert client.prepay(body(client)) == "wx26112221580621e9b071c00d9e093b0000"
    assert server.bodies[0] == body(client)
    paid = client.query(NUMBER)
    assert paid is not None
    assert (paid.was_paid, paid.amount.total, paid.transaction_id) == (True, 1999, "4200000001")
    client.close(NUMBER)
    assert client.refund(ASKED).status == "PROCESSING"
    assert json.loads(server.bodies[3])["amount"] == {"refund": 999, "total": 1999, "currency": "CNY"}
    found = client.query_refund("R1")
    assert found is not None
    assert found.amount.refund == 999


def test_odd_numbers_are_encoded_in_the_address(client: WeChatPayClient, server: Scripted, platform: Platform) -> None:
    server.will(platform.reply(UNPAID | {"out_trade_no": "a|b*c_-"}))
    found = client.query("a|b*c_-")
    assert found is not None
    assert server.asked[0].environ["REQUEST_URI"].startswith("/v3/pay/transactions/out-trade-no/a%7Cb%2Ac_-?mchid=")
    for number in ("../x../", "12345", "a b c d", ""):
        with pytest.raises(ValueError, match="not an out_trade_no"):
            client.query(number)
    with pytest.raises(ValueError, match="not an out_refund_no"):
        client.query_refund("R1/../R2")


@every_action
@pytest.mark.parametrize("fault", ["unsigned", "stranger", "aged", "ahead", "unknown serial", "swapped body"])
def test_success_without_a_valid_signature_is_unknown(
    client: WeChatPayClient, server: Scripted, platform: Platform, action: str, fault: str
) -> None:
    content, status = GOOD[action]
    now = datetime.now(UTC)
    raw = b"" if content is None else json.dumps(content).encode()
    server.will(
        {
            "unsigned": plain(raw, status),
            "stranger": platform.reply(content, status, key=platform.merchant),
            "aged": platform.reply(content, status, at=now - timedelta(seconds=310)),
            "ahead": platform.reply(content, status, at=now + timedelta(seconds=310)),
            "unknown serial": platform.reply(content, status, serial="FFFF"),
            "swapped body": plain(raw, status, **platform.signed(b"{}", now)),
        }[fault]
    )
    with pytest.raises(OutcomeUnknown):
        ACTIONS[action](client)
    assert len(server.asked) == 1


@every_action
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (500, "SYSTEM_ERROR"),
        (500, "SYSTEMERROR"),
        (502, ""),
        (503, "ORDER_PAID"),
        (202, "USERPAYING"),
        (302, ""),
        (404, ""),
        (400, "SYSTEM_ERROR"),
    ],
)
def test_what_settles_nothing_is_unknown(
    client: WeChatPayClient, server: Scripted, action: str, status: int, code: str
) -> None:
    server.will(plain({"code": code, "message": "openid oShopper"} if code else b"<html>", status))
    with pytest.raises(OutcomeUnknown) as caught:
        ACTIONS[action](client)
    assert isinstance(caught.value, CounterpartyUnknown)
    assert str(status) in caught.value.reason
    assert "oShopper" not in str(caught.value)
    assert len(server.asked) == 1


SPELLINGS: list[tuple[int, str, type[AppError]]] = [
    (400, "ORDER_PAID", AlreadyPaid),
    (400, "ORDERPAID", AlreadyPaid),
    (400, "ORDER_CLOSED", AlreadyClosed),
    (400, "ORDERCLOSED", AlreadyClosed),
    (403, "NOT_ENOUGH", NotEnoughBalance),
    (403, "NOTENOUGH", NotEnoughBalance),
    (401, "SIGN_ERROR", MerchantSetupRefused),
    (403, "NO_AUTH", MerchantSetupRefused),
    (403, "NOAUTH", MerchantSetupRefused),
    (400, "MCH_NOT_EXISTS", MerchantSetupRefused),
    (400, "APPID_MCHID_NOT_MATCH", MerchantSetupRefused),
    (400, "PARAM_ERROR", CounterpartyRefused),
    (400, "INVALID_REQUEST", CounterpartyRefused),
    (403, "RULELIMIT", CounterpartyRefused),
    (403, "USER_ACCOUNT_ABNORMAL", CounterpartyRefused),
    (403, "OUT_TRADE_NO_USED", CounterpartyRefused),
    (403, "FREQUENCY_LIMITED", FrequencyLimited),
    (400, "SOMETHING_NEW", CounterpartyRefused),
]


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize(("status", "code", "kind"), SPELLINGS)
def test_error_codes_in_every_spelling(
    client: WeChatPayClient,
    server: Scripted,
    platform: Platform,
    status: int,
    code: str,
    kind: type[AppError],
    signed: bool,
) -> None:
    problem = {"code": code, "message": "oShopper", "detail": {"value": "oShopper"}}
    for action in ("prepay", "close", "refund"):
        server.will(platform.reply(problem, status) if signed else plain(problem, status))
        with pytest.raises(kind) as caught:
            ACTIONS[action](client)
        assert type(caught.value) is kind
        assert caught.value.reason == code  # type: ignore[attr-defined]  # every kind listed has one
        assert "oShopper" not in str(caught.value)


@pytest.mark.parametrize("code", ["ORDER_NOT_EXIST", "ORDER_NOT_EXISTS", "ORDERNOTEXIST", "RESOURCE_NOT_EXISTS"])
def test_missing_at_the_platform(client: WeChatPayClient, server: Scripted, platform: Platform, code: str) -> None:
    missing = platform.reply({"code": code, "message": "订单不存在"}, 404)
    server.will(missing, missing, missing)
    assert client.query(NUMBER) is None
    assert client.query_refund("R1") is None
    with pytest.raises(OrderMissing):
        client.close(NUMBER)


def test_a_forged_error_settles_nothing(client: WeChatPayClient, server: Scripted, platform: Platform) -> None:
    """An error that claims a signature must have a good one: "missing" leads to releasing stock."""
    server.will(platform.reply({"code": "ORDER_NOT_EXIST"}, 404, key=platform.merchant))
    with pytest.raises(OutcomeUnknown):
        client.query(NUMBER)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("ORDER_NOT_EXISTS", "ORDERNOTEXIST"),
        ("ORDERPAID", "ORDER_PAID"),
        ("SYSTEMERROR", "SYSTEM_ERROR"),
        ("order_closed", "ORDERCLOSED"),
    ],
)
def test_normalised_spellings_meet(left: str, right: str) -> None:
    assert normalise(left) == normalise(right)


@every_action
def test_frequency_limit_is_retried_once_with_a_new_nonce(
    client: WeChatPayClient, server: Scripted, platform: Platform, action: str
) -> None:
    limited = plain({"code": "FREQUENCY_LIMITED"}, 429)
    server.will(limited, platform.reply(*GOOD[action]))
    ACTIONS[action](client)
    first, second = (request.headers["Authorization"] for request in server.asked)
    assert first != second
    assert server.bodies[0] == server.bodies[1]

    server.will(limited, limited)
    with pytest.raises(FrequencyLimited) as caught:
        ACTIONS[action](client)
    assert isinstance(caught.value, RetryLater)
    assert isinstance(caught.value, Unavailable)


def test_answers_about_something_else_are_unknown(
    client: WeChatPayClient, server: Scripted, platform: Platform
) -> None:
    for other in ({"out_trade_no": "20260301OTHER"}, {"mchid": "1"}, {"appid": "wx1"}):
        server.will(platform.reply(PAID | other))
        with pytest.raises(OutcomeUnknown, match="another order"):
            client.query(NUMBER)
    for action in ("refund", "query_refund"):
        server.will(platform.reply(REFUND | {"out_refund_no": "R2"}))
        with pytest.raises(OutcomeUnknown, match="another refund"):
            ACTIONS[action](client)


@pytest.mark.parametrize("content", [{}, [], "x", {"prepay_id": ""}, {"prepay_id": 7}, {"prepay_id": "a\nb"}])
def test_signed_nonsense_is_unknown(
    client: WeChatPayClient, server: Scripted, platform: Platform, content: object
) -> None:
    for action in ("prepay", "query", "refund", "query_refund"):
        server.will(platform.reply(content))
        with pytest.raises(OutcomeUnknown):
            ACTIONS[action](client)


def stalled(request: Request) -> Response:
    import time

    time.sleep(0.5)
    return Response(b"", 204)


def broken_off(request: Request) -> Response:
    request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError


@every_action
@pytest.mark.parametrize(
    "fault",
    [stalled, broken_off, plain(b"x" * 20, 200, **{"Content-Length": "90000"}), plain(b"x" * ((1 << 20) + 1))],
    ids=["stalled", "broken off", "cut short", "endless"],
)
def test_no_whole_answer_is_unknown_and_is_not_repeated(
    client: WeChatPayClient, server: Scripted, action: str, fault: Any
) -> None:
    server.will(fault)
    with pytest.raises(OutcomeUnknown):
        ACTIONS[action](client)
    assert len(server.asked) == 1


def test_a_dropped_connection_is_not_taken_for_a_time_out(client: WeChatPayClient, server: Scripted) -> None:
    server.will(broken_off)
    with pytest.raises(OutcomeUnknown, match="prepay: ProtocolError"):
        client.prepay(body(client))


@every_action
def test_nothing_listening_is_unavailable_and_certainly_not_done(platform: Platform, action: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = WeChatPayClient(platform.keys(), f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(Unavailable) as caught:
            ACTIONS[action](client)
    assert type(caught.value) is Unavailable


def test_unknown_serial_in_an_answer_asks_for_the_new_keys(server: Scripted, platform: Platform) -> None:
    old = {k: v for k, v in platform.public_keys().items() if k != PUBLIC_SERIAL}
    client = WeChatPayClient(platform.keys(platform_public_keys=old), server.url, reload_keys=platform.public_keys)
    server.will(platform.reply(PAID))
    assert client.query(NUMBER) is not None


@pytest.mark.parametrize(
    "url",
    [
        "http://api.mch.weixin.qq.com",
        "ftp://127.0.0.1",
        "https://",
        "https://a/b",
        "https://u:p@host",
        "https://host?x=1",
        "",
    ],
)
def test_unsafe_addresses_are_refused(platform: Platform, url: str) -> None:
    with pytest.raises(ConfigurationError, match="WeChat Pay API URL"):
        WeChatPayClient(platform.keys(), url)


def test_log_tells_the_code_and_nothing_personal(
    client: WeChatPayClient, server: Scripted, platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    problem = {"code": "NOT_ENOUGH", "message": "商户余额不足 oShopper", "detail": {"value": "oShopper"}}
    server.will(plain(problem, 403, **{"Request-ID": "08ABC-268512771"}))
    with pytest.raises(NotEnoughBalance):
        client.refund(ASKED)
    server.will(stalled)
    with pytest.raises(OutcomeUnknown):
        client.prepay(body(client))
    assert "HTTP 403 NOT_ENOUGH, request 08ABC-268512771" in caplog.text
    assert any(record.levelno == logging.ERROR for record in caplog.records)
    for secret in ("oShopper", "signature=", platform.keys().api_v3_key):
        assert secret not in caplog.text
