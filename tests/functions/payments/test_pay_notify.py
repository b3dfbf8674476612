"""POST /wechat-pay/payments: what is believed, what is refused, and that money is booked once."""

import json
import time
from typing import Any

import pytest

from orchard.gateways.wechat_pay import InvalidNotification
from orchard.runtime.database import Connection
from orchard.workflows import notifications
from tests.support import races
from tests.support.calls import call
from tests.support.kills import killed
from tests.support.notices import Platform
from tests.support.till import FREIGHT_FEN, PRICE_FEN, Till

TOTAL_FEN = 2 * PRICE_FEN


def test_a_payment_is_booked_and_its_entry_balances(till: Till) -> None:
    _, number = till.paid_order(freight=True)
    assert till.payment(number)["state"] == "SUCCESS"
    postings = till.rows("SELECT account, amount_fen FROM money_posting ORDER BY account")
    assert postings == [
        {"account": "freight", "amount_fen": -FREIGHT_FEN},
        {"account": "gateway_clearing", "amount_fen": TOTAL_FEN + FREIGHT_FEN},
        {"account": "revenue", "amount_fen": -TOTAL_FEN},
    ]
    assert till.rows("SELECT outcome FROM callback_inbox") == [{"outcome": "paid"}]
    assert till.alarms() == {}


def test_a_platform_coupon_lowers_what_the_payer_paid_but_not_the_order(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sandbox.confirm_payment(till.sheet(buyer, number), coupon_fen=500)
    till.sandbox.deliver_notifications()
    assert till.state(number) == "TO_SHIP"


def test_case_51_twenty_concurrent_duplicates_have_one_effect(till: Till, platform: Platform) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.take_money(buyer, number)
    notice = platform.told(till.sandbox.ledger(), number)

    def deliver(connection: Connection, _: int) -> None:
        notifications.accept_payment(connection, notice.call)

    outcomes = races.race(range(20), deliver, connections=20)
    assert races.errors(outcomes) == []
    assert till.state(number) == "TO_SHIP"
    assert len(till.rows("SELECT id FROM payment_receipt")) == 1
    assert len(till.rows("SELECT id FROM callback_inbox")) == 1
    assert len(till.rows("SELECT id FROM outbox WHERE topic = 'order.paid'")) == 1


def test_case_70_acknowledgement_lost_after_commit_is_answered_the_same(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.take_money(buyer, number)
    till.sandbox.misbehave("notice_ack_lost", call="payment_notice")
    first = till.sandbox.deliver_notifications()
    till.sandbox.advance(20)
    second = till.sandbox.deliver_notifications()
    assert [delivery["status"] for delivery in first + second] == [200, 200]
    assert till.state(number) == "TO_SHIP"
    assert len(till.rows("SELECT id FROM payment_receipt")) == 1


@pytest.mark.parametrize(
    "fault", ["notice_forged", "notice_tampered", "notice_wrong_api_key", "notice_aged", "notice_unknown_serial"]
)
def test_cases_54_56_61_what_is_not_proven_is_refused_and_the_real_one_still_works(till: Till, fault: str) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.take_money(buyer, number)
    till.sandbox.misbehave(fault, call="payment_notice")
    assert [d["status"] for d in till.sandbox.deliver_notifications()] == [401]
    assert till.state(number) == "PENDING_PAY"
    assert till.rows("SELECT id FROM callback_inbox") == []
    till.sandbox.advance(20)
    assert [d["status"] for d in till.sandbox.deliver_notifications()] == [200]
    assert till.state(number) == "TO_SHIP"


def test_case_54_the_signature_probe_fails_and_the_real_one_follows(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.take_money(buyer, number)
    till.sandbox.misbehave("notice_probe", call="payment_notice")
    assert [(d["variant"], d["status"]) for d in till.sandbox.deliver_notifications()] == [
        ("probe", 401), ("genuine", 200)
    ]  # fmt: skip


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"id": 1}', b"\xff\xfe", b"[" * 40_000])
def test_case_54_truncated_bodies_are_refused(till: Till, platform: Platform, body: bytes) -> None:
    headers = platform.signer.headers(body, time.time())
    answer = call("payments/pay_notify", "POST", "/wechat-pay/payments", key=None, body=body, headers=headers)
    assert answer.status == 401
    assert answer.json == {"code": "FAIL", "message": "invalid_notification"}


def test_case_54_without_signature_headers_nothing_is_read(till: Till) -> None:
    assert call("payments/pay_notify", "POST", "/wechat-pay/payments", key=None, body=b"{}").status == 401


def test_case_55_headers_about_hosts_and_proxies_prove_nothing(till: Till, platform: Platform) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sheet(buyer, number)
    notice = platform.notice("transaction", platform.payment(number, buyer.openid, TOTAL_FEN))
    tricks = {"host": "localhost", "x-forwarded-for": "127.0.0.1", "x-forwarded-host": "api.mch.weixin.qq.com"}
    assert notice.post(**tricks, **{"wechatpay-signature": "AAAA" * 86}).status == 401
    assert till.state(number) == "PENDING_PAY"


def test_case_56_a_rotated_key_is_loaded_once(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.take_money(buyer, number)
    till.sandbox.settings(serial_mode="certificate")
    assert [d["status"] for d in till.sandbox.deliver_notifications()] == [200]
    assert till.state(number) == "TO_SHIP"


def test_case_61_a_short_nonce_is_refused(till: Till, platform: Platform) -> None:
    content = platform.payment("20260101AAAAAAAAAAAAAAAA", "o1", 1)
    assert platform.notice("transaction", content, nonce_length=8).post().status == 401


@pytest.mark.parametrize(
    ("fault", "alarm"),
    [
        ("notice_wrong_amount", "WRONG_AMOUNT"),
        ("notice_wrong_mchid", "FOREIGN_MERCHANT"),
        ("notice_wrong_appid", "FOREIGN_MERCHANT"),
        ("notice_wrong_trade_no", "UNKNOWN_ORDER"),
    ],
)
def test_cases_59_60_what_does_not_fit_our_books_is_refused_with_an_alarm(till: Till, fault: str, alarm: str) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.take_money(buyer, number)
    till.sandbox.misbehave(fault, call="payment_notice")
    assert [d["status"] for d in till.sandbox.deliver_notifications()] == [400]
    assert till.state(number) == "PENDING_PAY"
    assert till.alarms() == {alarm: 1}
    till.sandbox.advance(20)
    till.sandbox.deliver_notifications()
    assert till.state(number) == "TO_SHIP"


@pytest.mark.parametrize(
    ("change", "alarm"),
    [
        ({"amount": {"total": TOTAL_FEN - 1, "payer_total": TOTAL_FEN - 1, "currency": "CNY"}}, "WRONG_AMOUNT"),
        ({"amount": {"total": TOTAL_FEN, "payer_total": TOTAL_FEN, "currency": "USD"}}, "WRONG_CURRENCY"),
        ({"payer": {"openid": "o-somebody-else"}}, "WRONG_PAYER"),
    ],
)
def test_case_59_one_fen_less_another_currency_another_payer(
    till: Till, platform: Platform, change: dict[str, Any], alarm: str
) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sheet(buyer, number)
    notice = platform.notice("transaction", platform.payment(number, buyer.openid, TOTAL_FEN) | change)
    assert [notice.post().status for _ in range(2)] == [400, 400]
    assert till.state(number) == "PENDING_PAY"
    assert till.rows("SELECT id FROM payment_receipt") == []
    # One row for the operator, however often it comes.
    assert till.alarms(only_open=True) == {alarm: 2}
    assert len(till.rows("SELECT id FROM payment_exception")) == 1


def test_an_order_that_never_began_to_pay_cannot_be_paid(till: Till, platform: Platform) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    notice = platform.notice("transaction", platform.payment(number, buyer.openid, TOTAL_FEN))
    assert notice.post().status == 400
    assert till.alarms() == {"UNKNOWN_ORDER": 1}


def test_an_event_of_another_kind_is_refused(till: Till, platform: Platform) -> None:
    content = platform.payment("20260101AAAAAAAAAAAAAAAA", "o1", 1)
    assert platform.notice("transaction", content, event="REFUND.SUCCESS").post().status == 400
    assert till.rows("SELECT id FROM callback_inbox") == []


def test_a_transaction_that_was_not_paid_changes_nothing(till: Till, platform: Platform) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sheet(buyer, number)
    content = platform.payment(number, buyer.openid, TOTAL_FEN, trade_state="NOTPAY")
    assert platform.notice("transaction", content).post().status == 200
    assert till.state(number) == "PENDING_PAY"


def test_trade_state_refund_was_paid(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sandbox.settings(refund_state_on="accepted")
    till.sandbox.misbehave("notice_lost", call="payment_notice")
    till.take_money(buyer, number)
    till.sandbox.deliver_notifications()
    _refund_in_console(till, number, 100)
    assert till.confirm(buyer, number).json["paid"] is True
    till.sandbox.deliver_notifications()
    assert till.state(number) == "TO_SHIP"


def _refund_in_console(till: Till, number: str, fen: int) -> None:
    from orchard.gateways.wechat_pay import RefundRequest
    from orchard.payments import wechat

    request = RefundRequest(
        out_trade_no=number, out_refund_no=f"CONSOLE{number}", refund_fen=fen, total_fen=TOTAL_FEN,
        notify_url=wechat.notify_url(wechat.REFUNDS_PATH),
    )  # fmt: skip
    wechat.client().refund(request)


def test_case_70_killed_between_inbox_and_transition(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.take_money(buyer, number)
    with monkeypatch.context() as patch:
        patch.setattr(notifications, "settle", killed)
        assert [d["status"] for d in till.sandbox.deliver_notifications()] == [500]
    assert till.state(number) == "PENDING_PAY"
    assert till.rows("SELECT processed_at FROM callback_inbox") == [{"processed_at": None}]
    assert till.fire("payments/finish_open_intents") == {"inbox_paid": 1}
    assert till.state(number) == "TO_SHIP"
    payload = json.loads(till.rows("SELECT payload FROM callback_inbox")[0]["payload"])
    assert payload["out_trade_no"] == number
    till.sandbox.advance(20)
    assert [d["status"] for d in till.sandbox.deliver_notifications()] == [200]


def test_the_workflow_refuses_before_it_stores(till: Till, platform: Platform) -> None:
    notice = platform.notice("transaction", platform.payment("20260101AAAAAAAAAAAAAAAA", "o1", 1), age=900)
    with pytest.raises(InvalidNotification):
        notifications.accept_payment(till.db, notice.call)
    assert till.rows("SELECT id FROM callback_inbox") == []
