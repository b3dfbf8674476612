"""What the client sends, and what it makes of a good answer."""

import json
from typing import Any

import pytest
from pydantic import ValidationError
from wechatpayv3 import utils as oracle

from orchard.gateways.errors import ConfigurationError
from orchard.gateways.wechat_pay import RefundRequest, WeChatPayClient
from tests.unit.gateways.pay_exchanges import (
    ACTIONS,
    ASKED,
    EXPIRES,
    GOOD,
    NUMBER,
    PAID,
    UNPAID,
    body,
    every_action,
)
from tests.unit.gateways.pay_platform import APP_ID, MERCHANT_ID, PUBLIC_SERIAL, Platform, Scripted


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
