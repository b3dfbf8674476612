"""The notification opener against what the sandbox sends, genuine and spoilt."""

from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from infra.local.wechat_sandbox.server import SandboxServer
from orchard.core import clock
from orchard.gateways.wechat_pay import (
    InvalidNotification,
    Notification,
    WeChatPayClient,
    as_refund,
    as_transaction,
    open_notification,
)
from tests.functions.gateways.sandbox_merchant import MODES, pay, refund
from tests.unit.gateways.pay_platform import Scripted, serving


@pytest.fixture
def inbox() -> Iterator[Scripted]:
    with serving() as scripted:
        yield scripted


def opener(sandbox: SandboxServer, client: WeChatPayClient, opened: list[Notification], reasons: list[str]) -> Any:
    def answer(request: Request) -> Response:
        try:
            opened.append(
                open_notification(
                    dict(request.headers.items()),
                    request.get_data(),
                    client.platform_keys,
                    sandbox.config.api_v3_key,
                    clock.utc_now(),
                )
            )
        except InvalidNotification as error:
            reasons.append(error.reason)
            return Response(status=error.status)
        return Response(status=204)

    return answer


@pytest.mark.parametrize("mode", MODES)
def test_notifications_open(
    sandbox: SandboxServer, client: WeChatPayClient, inbox: Scripted, number: str, mode: str
) -> None:
    opened: list[Notification] = []
    sandbox.client.settings(serial_mode=mode)
    inbox.will(*[opener(sandbox, client, opened, [])] * 2)
    pay(sandbox, client, number, notify_url=inbox.url)
    client_answer = sandbox.client.deliver_notifications()
    assert [d["accepted"] for d in client_answer] == [True]
    client.refund(refund(number, "R" + number, notify_url=inbox.url))
    assert [d["accepted"] for d in sandbox.client.deliver_notifications()] == [True]

    payment, refunded = opened
    assert (payment.event_type, payment.original_type) == ("TRANSACTION.SUCCESS", "transaction")
    transaction = as_transaction(payment.resource)
    assert (transaction.out_trade_no, transaction.amount.total, transaction.mchid, transaction.appid) == (
        number,
        1999,
        sandbox.config.mchid,
        sandbox.config.appid,
    )
    assert (refunded.event_type, refunded.original_type) == ("REFUND.SUCCESS", "refund")
    result = as_refund(refunded.resource)
    assert (result.out_refund_no, result.status, result.amount.refund) == ("R" + number, "SUCCESS", 999)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("notice_forged", "wrong signature"),
        ("notice_tampered", "wrong signature"),
        ("notice_unknown_serial", "unknown serial"),
        ("notice_wrong_api_key", "resource does not decrypt"),
        ("notice_probe", "header wechatpay-signature is malformed|signature is not|wrong signature"),
        ("notice_aged", "not fresh"),
    ],
)
def test_spoilt_notifications_are_refused_and_the_retry_opens(
    sandbox: SandboxServer, client: WeChatPayClient, inbox: Scripted, number: str, fault: str, reason: str
) -> None:
    opened: list[Notification] = []
    reasons: list[str] = []
    inbox.will(*[opener(sandbox, client, opened, reasons)] * 2)
    pay(sandbox, client, number, notify_url=inbox.url)
    sandbox.client.misbehave(fault)
    sandbox.client.deliver_notifications()
    sandbox.client.advance(16)
    sandbox.client.deliver_notifications()
    assert len(reasons) == 1
    assert any(reasons[0].startswith(start) for start in reason.split("|"))
    assert [as_transaction(n.resource).out_trade_no for n in opened] == [number]


@pytest.mark.parametrize("case", ["lower", "upper"])
def test_header_case_does_not_matter(
    sandbox: SandboxServer, client: WeChatPayClient, inbox: Scripted, number: str, case: str
) -> None:
    opened: list[Notification] = []
    inbox.will(opener(sandbox, client, opened, []))
    pay(sandbox, client, number, notify_url=inbox.url)
    sandbox.client.misbehave("notice_headers", value=case)
    sandbox.client.deliver_notifications()
    assert len(opened) == 1
