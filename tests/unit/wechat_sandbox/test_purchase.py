"""A whole purchase, seen by wechatpayv3: prepay, pay, notify, query, refund, close; in both signature modes."""

from __future__ import annotations

import json

import pytest

from infra.local.wechat_sandbox.server import SandboxServer

from .merchant import OPENID, Mailbox, Merchant


@pytest.mark.parametrize("mode", ["public_key", "certificate"])
def test_purchase_and_refund(sandbox: SandboxServer, box: Mailbox, mode: str) -> None:
    sandbox.client.settings(serial_mode=mode)
    merchant = Merchant(sandbox, box.url, certificate_mode=mode == "certificate")
    merchant.paid()
    [delivery] = sandbox.client.deliver_notifications()
    assert (delivery["status"], delivery["accepted"], delivery["variant"]) == (204, True, "genuine")
    told = merchant.pay.callback(*box.received[0])
    status, found = merchant.query()
    assert status == 200
    assert told["event_type"] == "TRANSACTION.SUCCESS"
    assert told["resource"] == found
    assert (found["trade_state"], found["payer"], found["amount"]["total"]) == ("SUCCESS", {"openid": OPENID}, 990)
    assert json.loads(merchant.pay.query(transaction_id=found["transaction_id"])[1]) == found

    assert merchant.refund(refund=300)[1]["status"] == "PROCESSING"
    sandbox.client.deliver_notifications()
    refund_told = merchant.pay.callback(*box.received[1])
    assert refund_told["event_type"] == "REFUND.SUCCESS"
    assert refund_told["resource"]["refund_status"] == "SUCCESS"
    assert refund_told["resource"]["amount"] == {
        "total": 990, "refund": 300, "payer_total": 990, "payer_refund": 300,
    }  # fmt: skip
    assert merchant.refund_status() == "SUCCESS"
    assert merchant.query()[1]["trade_state"] == "REFUND"
    books = sandbox.client.ledger()
    assert books["totals"] == {"paid_fen": 990, "refunded_fen": 300, "balance_fen": 690}
    assert books["differences"] == []


def test_close(merchant: Merchant) -> None:
    merchant.prepay()
    assert merchant.pay.close("ORDER-1")[0] == 204
    assert merchant.pay.close("ORDER-1")[0] == 204
    found = merchant.query()[1]
    assert found["trade_state"] == "CLOSED"
    assert not {"transaction_id", "success_time", "bank_type"} & found.keys()
    assert merchant.prepay()[1]["code"] == "ORDER_CLOSED"
