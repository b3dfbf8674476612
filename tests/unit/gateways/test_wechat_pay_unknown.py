"""Answers that settle nothing: unsigned, broken off, late, about something else."""

import json
import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from orchard.core.errors import CounterpartyUnknown, Unavailable
from orchard.gateways.wechat_pay import OutcomeUnknown, WeChatPayClient
from tests.unit.gateways.pay_exchanges import ACTIONS, GOOD, NUMBER, PAID, REFUND, body, every_action
from tests.unit.gateways.pay_platform import Platform, Scripted, plain, stalled


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


def test_a_forged_error_settles_nothing(client: WeChatPayClient, server: Scripted, platform: Platform) -> None:
    """An error that claims a signature must have a good one: "missing" leads to releasing stock."""
    server.will(platform.reply({"code": "ORDER_NOT_EXIST"}, 404, key=platform.merchant))
    with pytest.raises(OutcomeUnknown):
        client.query(NUMBER)


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
    for other_refund in (
        {"out_trade_no": "20260301OTHER"},
        {"amount": {"refund": 1, "total": 1999, "currency": "CNY"}},
    ):
        server.will(platform.reply(REFUND | other_refund))
        with pytest.raises(OutcomeUnknown, match="another refund"):
            ACTIONS["refund"](client)


@pytest.mark.parametrize("content", [{}, [], "x", {"prepay_id": ""}, {"prepay_id": 7}, {"prepay_id": "a\nb"}])
def test_signed_nonsense_is_unknown(
    client: WeChatPayClient, server: Scripted, platform: Platform, content: object
) -> None:
    for action in ("prepay", "query", "refund", "query_refund"):
        server.will(platform.reply(content))
        with pytest.raises(OutcomeUnknown):
            ACTIONS[action](client)


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
