"""Notifications: schedule, loss, doubles, order, forgeries; wechatpayv3 says what verifies and what does not."""

from __future__ import annotations

import time
from typing import Any

import pytest

from infra.local.wechat_sandbox.notices import RETRY_SECONDS
from infra.local.wechat_sandbox.server import SandboxServer

from .merchant import Mailbox, Merchant


def heard(merchant: Merchant, box: Mailbox, index: int = -1) -> Any:
    """Return what the oracle makes of one received notification: its content, or None."""
    return merchant.pay.callback(*box.received[index])


def test_retry_schedule(merchant: Merchant, box: Mailbox) -> None:
    client, box.status = merchant.sandbox.client, 500
    merchant.paid()
    assert len(client.deliver_notifications()) == 1
    for seconds in RETRY_SECONDS:
        client.advance(seconds - 5)
        assert client.deliver_notifications() == []
        client.advance(5)
        [delivery] = client.deliver_notifications()
        assert delivery["status"] == 500
    client.advance(10**6)
    assert client.deliver_notifications() == []
    assert client.notices()[0]["state"] == "EXHAUSTED"
    assert len(box.received) == 16
    assert 24 * 3600 < sum(RETRY_SECONDS) < 24 * 3600 + 300
    assert len({heard(merchant, box, index)["id"] for index in range(16)}) == 1


@pytest.mark.parametrize(
    ("status", "state"), [(200, "ACCEPTED"), (204, "ACCEPTED"), (302, "PENDING"), (401, "PENDING")]
)
def test_the_status_decides(merchant: Merchant, box: Mailbox, status: int, state: str) -> None:
    box.status = status
    merchant.paid()
    merchant.sandbox.client.deliver_notifications()
    assert merchant.sandbox.client.notices()[0]["state"] == state


def test_nobody_listens(sandbox: SandboxServer) -> None:
    Merchant(sandbox, "http://127.0.0.1:9/notify").paid()
    [delivery] = sandbox.client.deliver_notifications()
    assert (delivery["status"], delivery["accepted"]) == (None, False)
    assert delivery["error"]


def test_lost(merchant: Merchant, box: Mailbox) -> None:
    client = merchant.sandbox.client
    client.misbehave("notice_lost")
    merchant.paid()
    assert client.deliver_notifications() == []
    client.advance(86400)
    assert client.deliver_notifications() == []
    assert (box.received, client.notices()[0]["state"]) == ([], "LOST")


def test_late(merchant: Merchant, box: Mailbox) -> None:
    client = merchant.sandbox.client
    client.misbehave("notice_late", value=3600)
    merchant.paid()
    assert client.deliver_notifications() == []
    client.advance(3601)
    assert len(client.deliver_notifications()) == 1
    assert heard(merchant, box)["event_type"] == "TRANSACTION.SUCCESS"


@pytest.mark.parametrize("how", [None, "parallel"])
def test_doubled(merchant: Merchant, box: Mailbox, how: str | None) -> None:
    merchant.sandbox.client.misbehave("notice_doubled", value=how)
    merchant.paid()
    assert [d["accepted"] for d in merchant.sandbox.client.deliver_notifications()] == [True, True]
    assert heard(merchant, box, 0) == heard(merchant, box, 1)


def test_an_answer_not_seen_is_sent_again(merchant: Merchant, box: Mailbox) -> None:
    client = merchant.sandbox.client
    client.misbehave("notice_ack_lost")
    merchant.paid()
    client.deliver_notifications()
    client.advance(15)
    assert len(client.deliver_notifications()) == 1
    assert heard(merchant, box, 0)["id"] == heard(merchant, box, 1)["id"]


def test_reordered(merchant: Merchant, box: Mailbox) -> None:
    client = merchant.sandbox.client
    client.misbehave("notices_reordered")
    merchant.paid()
    merchant.refund()
    client.deliver_notifications()
    told = [heard(merchant, box, index)["event_type"] for index in (0, 1)]
    assert told == ["REFUND.SUCCESS", "TRANSACTION.SUCCESS"]


@pytest.mark.parametrize("name", ["notice_forged", "notice_tampered", "notice_unknown_serial", "notice_wrong_api_key"])
def test_forgeries_fail_in_the_oracle_and_the_genuine_one_follows(merchant: Merchant, box: Mailbox, name: str) -> None:
    client, box.status = merchant.sandbox.client, 401
    client.misbehave(name)
    merchant.paid()
    assert [d["variant"] for d in client.deliver_notifications()] == [name]
    assert heard(merchant, box) is None
    client.advance(15)
    assert [d["variant"] for d in client.deliver_notifications()] == ["genuine"]
    assert heard(merchant, box)["resource"]["out_trade_no"] == "ORDER-1"


def test_signature_probe_comes_first_and_counts_for_nothing(merchant: Merchant, box: Mailbox) -> None:
    merchant.sandbox.client.misbehave("notice_probe")
    merchant.paid()
    variants = [d["variant"] for d in merchant.sandbox.client.deliver_notifications()]
    assert variants == ["probe", "genuine"]
    assert box.received[0][0]["Wechatpay-Signature"].startswith("WECHATPAY/SIGNTEST/")
    assert heard(merchant, box, 0) is None
    assert heard(merchant, box, 1)["event_type"] == "TRANSACTION.SUCCESS"
    assert merchant.sandbox.client.notices()[0]["attempts"] == 1


def test_aged_is_well_signed_but_old_by_real_time(merchant: Merchant, box: Mailbox) -> None:
    client = merchant.sandbox.client
    client.advance(10 * 86400)
    client.misbehave("notice_aged", value=900)
    merchant.paid()
    client.deliver_notifications()
    assert 890 < time.time() - int(box.received[0][0]["Wechatpay-Timestamp"]) < 960
    assert heard(merchant, box)["resource"]["trade_state"] == "SUCCESS"


def test_timestamps_are_real_time_whatever_the_virtual_clock_says(merchant: Merchant, box: Mailbox) -> None:
    merchant.sandbox.client.advance(10 * 86400)
    merchant.paid()
    merchant.sandbox.client.deliver_notifications()
    assert abs(time.time() - int(box.received[0][0]["Wechatpay-Timestamp"])) < 60


@pytest.mark.parametrize(
    ("name", "path", "right"),
    [
        ("notice_wrong_amount", ("amount", "total"), 990),
        ("notice_wrong_mchid", ("mchid",), "mchid"),
        ("notice_wrong_appid", ("appid",), "app_id"),
        ("notice_wrong_trade_no", ("out_trade_no",), "ORDER-1"),
    ],
)
def test_planted_content_verifies_but_differs(
    merchant: Merchant, box: Mailbox, name: str, path: tuple[str, ...], right: Any
) -> None:
    merchant.sandbox.client.misbehave(name)
    merchant.paid()
    merchant.sandbox.client.deliver_notifications()
    planted = heard(merchant, box)["resource"]
    for step in path:
        planted = planted[step]
    assert planted != merchant.secret.get(str(right), right)
    assert merchant.query()[1]["amount"]["total"] == 990


def test_planted_refund_amount(merchant: Merchant, box: Mailbox) -> None:
    merchant.paid()
    merchant.refund(refund=100)
    merchant.sandbox.client.misbehave("notice_wrong_amount", call="refund_notice")
    merchant.sandbox.client.deliver_notifications()
    assert [heard(merchant, box, i)["resource"]["amount"]["total"] for i in (0, 1)] == [990, 990]
    assert heard(merchant, box)["resource"]["amount"]["refund"] == 101


def test_mixed_serials_take_turns(merchant: Merchant, box: Mailbox) -> None:
    client, box.status = merchant.sandbox.client, 500
    client.settings(serial_mode="mixed")
    merchant.paid()
    serials = []
    for _ in range(4):
        serials += [delivery["serial"] for delivery in client.deliver_notifications()]
        client.advance(1800)
    config = merchant.sandbox.config
    assert serials == [config.platform_public_key_id, config.certificate_serial] * 2
    assert all(heard(merchant, box, index) for index in range(4))


def test_the_notifier_thread_delivers_by_itself(config: Any, box: Mailbox) -> None:
    with SandboxServer(config, notifier=True) as sandbox:
        Merchant(sandbox, box.url).paid()
        deadline = time.monotonic() + 10
        while not box.received and time.monotonic() < deadline:
            time.sleep(0.05)
    assert len(box.received) == 1
