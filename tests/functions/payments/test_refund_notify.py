"""POST /wechat-pay/refunds: how a refund ended, in whatever order the news arrives."""

from typing import Any

import pytest

from orchard.payments.models import RefundExceedsPaid
from orchard.runtime.database import Connection
from orchard.workflows import notifications, send_refunds
from orchard.workflows.refund_settled import refund_order
from tests.support import races
from tests.support.kills import killed
from tests.support.notices import Notice, Platform
from tests.support.till import PRICE_FEN, Till

TOTAL_FEN = 2 * PRICE_FEN


def _asked(till: Till) -> str:
    _, number = till.paid_order()
    refund_order(till.db, number, reason="测试", key="k-1")
    return number


def _console_refund(till: Till, number: str, fen: int, refund_number: str = "CONSOLE-1") -> None:
    """A refund that the merchant begins in WeChat Pay's own console."""
    from orchard.gateways.wechat_pay import RefundRequest
    from orchard.payments import wechat

    wechat.client().refund(RefundRequest(
        out_trade_no=number, out_refund_no=refund_number, refund_fen=fen, total_fen=TOTAL_FEN,
        notify_url=wechat.notify_url(wechat.REFUNDS_PATH),
    ))  # fmt: skip


def _notice(till: Till, platform: Platform, number: str, status: str, **changes: object) -> Notice:
    row = till.refunds(number)[0]
    transaction_id = till.rows("SELECT transaction_id FROM payment_receipt")[0]["transaction_id"]
    return platform.notice("refund", platform.refund(row, transaction_id, TOTAL_FEN, status) | changes)


def test_a_refund_notification_settles_the_refund(till: Till) -> None:
    number = _asked(till)
    till.send_refunds()
    assert [d["status"] for d in till.sandbox.deliver_notifications()] == [200]
    assert till.refunds(number)[0]["state"] == "SUCCESS"
    assert till.rows("SELECT outcome FROM callback_inbox WHERE source = 'wechat_pay.refunds'") == [
        {"outcome": "success"}
    ]  # fmt: skip


def test_concurrent_duplicates_have_one_effect(till: Till, platform: Platform) -> None:
    number = _asked(till)
    till.send_refunds()
    till.sandbox.misbehave("notice_lost", call="refund_notice")
    till.sandbox.deliver_notifications()
    notice = _notice(till, platform, number, "SUCCESS")

    def deliver(connection: Connection, _: int) -> None:
        notifications.accept_refund(connection, notice.call)

    assert races.errors(races.race(range(12), deliver, connections=12)) == []
    assert till.state(number) == "REFUNDED"
    causes = till.rows("SELECT DISTINCT cause FROM money_posting WHERE cause LIKE 'refund:%%'")
    assert len(causes) == 1


def test_case_52_the_refund_is_told_before_the_payment(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.take_money(buyer, number)
    till.sandbox.misbehave("notice_late", call="payment_notice", value=3600)
    till.sandbox.deliver_notifications()
    _console_refund(till, number, TOTAL_FEN)
    assert till.state(number) == "PENDING_PAY"
    assert [d["status"] for d in till.sandbox.deliver_notifications()] == [200]
    assert till.state(number) == "REFUNDED"
    refund = till.refunds(number)[0]
    assert (refund["kind"], refund["out_refund_no"], refund["state"]) == ("EXTERNAL", "CONSOLE-1", "SUCCESS")
    assert till.alarms() == {"REFUND_UNKNOWN": 1}
    till.sandbox.advance(3700)
    assert [d["status"] for d in till.sandbox.deliver_notifications()] == [200]
    assert till.state(number) == "REFUNDED"


def test_a_part_refunded_in_the_console_counts_against_what_is_left(till: Till) -> None:
    _, number = till.paid_order()
    _console_refund(till, number, 100)
    till.sandbox.deliver_notifications()
    assert till.state(number) == "TO_SHIP"
    with pytest.raises(RefundExceedsPaid):
        refund_order(till.db, number, reason="-", key="whole")


def test_a_refund_under_way_and_one_of_the_console_count_together(till: Till) -> None:
    _, number = till.paid_order()
    till.refund(number, "one unit", till.units(number))
    _console_refund(till, number, 1000)
    till.sandbox.deliver_notifications()
    # Both together leave less than the other unit is due, though its units are free.
    with pytest.raises(RefundExceedsPaid):
        till.refund(number, "the other unit", till.units(number))


def test_a_console_refund_waits_while_ours_hold_the_money(till: Till) -> None:
    number = _asked(till)
    _console_refund(till, number, 100)
    assert [d["status"] for d in till.sandbox.deliver_notifications()] == [503]
    # Ours cannot be carried out any more: refused, its amount is free, and then theirs is booked.
    refund_id = till.refunds(number)[0]["id"]
    till.sandbox.advance(61)
    assert send_refunds.send_refund(till.db, refund_id) == "refused"
    assert [d["status"] for d in till.sandbox.deliver_notifications()] == [200]
    assert [(r["kind"], r["state"]) for r in till.refunds(number)] == [("ORDER", "CLOSED"), ("EXTERNAL", "SUCCESS")]


@pytest.mark.parametrize("fault", ["notice_forged", "notice_tampered", "notice_wrong_api_key", "notice_aged"])
def test_cases_54_61_what_is_not_proven_is_refused(till: Till, fault: str) -> None:
    number = _asked(till)
    till.send_refunds()
    till.sandbox.misbehave(fault, call="refund_notice")
    assert [d["status"] for d in till.sandbox.deliver_notifications()] == [401]
    assert till.refunds(number)[0]["state"] == "PROCESSING"
    till.sandbox.advance(20)
    till.sandbox.deliver_notifications()
    assert till.refunds(number)[0]["state"] == "SUCCESS"


@pytest.mark.parametrize(
    ("fault", "alarm"),
    [("notice_wrong_amount", "REFUND_MISMATCH"), ("notice_wrong_mchid", "FOREIGN_MERCHANT"),
     ("notice_wrong_trade_no", "REFUND_MISMATCH")],
)  # fmt: skip
def test_cases_59_60_what_does_not_fit_is_refused_with_an_alarm(till: Till, fault: str, alarm: str) -> None:
    number = _asked(till)
    till.send_refunds()
    till.sandbox.misbehave(fault, call="refund_notice")
    assert [d["status"] for d in till.sandbox.deliver_notifications()] == [400]
    assert till.refunds(number)[0]["state"] == "PROCESSING"
    assert till.alarms() == {alarm: 1}
    till.sandbox.advance(20)
    till.sandbox.deliver_notifications()
    assert till.state(number) == "REFUNDED"


@pytest.mark.parametrize(
    "change", [{"transaction_id": "4200000000000000000000000001"}, {"amount": {"currency": "JPY"}}]
)
def test_case_60_a_refund_of_another_payment_is_not_ours(
    till: Till, platform: Platform, change: dict[str, Any]
) -> None:
    number = _asked(till)
    till.send_refunds()
    transaction_id = till.rows("SELECT transaction_id FROM payment_receipt")[0]["transaction_id"]
    told = platform.refund(till.refunds(number)[0], transaction_id, TOTAL_FEN, "SUCCESS")
    told |= change | {"amount": told["amount"] | change.get("amount", {})}
    assert platform.notice("refund", told).post().status == 400
    assert till.refunds(number)[0]["state"] == "PROCESSING"
    assert till.alarms() == {"REFUND_MISMATCH": 1}
    till.sandbox.deliver_notifications()
    assert till.state(number) == "REFUNDED"


def test_a_refund_of_an_unknown_order_is_refused_with_an_alarm(till: Till, platform: Platform) -> None:
    row = {"order_number": "20260101AAAAAAAAAAAAAAAA", "amount_fen": 1, "out_refund_no": "NOBODY-1"}
    notice = platform.notice("refund", platform.refund(row, "4200001", 1, "SUCCESS"))
    assert [notice.post().status for _ in range(2)] == [400, 400]
    assert till.alarms() == {"REFUND_UNKNOWN": 2}


def test_a_status_that_does_not_exist_is_refused(till: Till, platform: Platform) -> None:
    number = _asked(till)
    assert _notice(till, platform, number, "GONE").post().status == 400
    assert till.refunds(number)[0]["state"] == "CREATED"


def test_an_older_state_changes_nothing(till: Till, platform: Platform) -> None:
    number = _asked(till)
    till.send_refunds()
    till.sandbox.deliver_notifications()
    for status in ("ABNORMAL", "CLOSED", "PROCESSING"):
        assert _notice(till, platform, number, status).post().status == 200
    assert till.refunds(number)[0]["state"] == "SUCCESS"
    assert till.alarms() == {}


def test_killed_between_inbox_and_books(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    number = _asked(till)
    till.send_refunds()
    with monkeypatch.context() as patch:
        patch.setattr(notifications, "apply_refund", killed)
        assert [d["status"] for d in till.sandbox.deliver_notifications()] == [500]
    assert till.fire("payments/finish_open_intents") == {"inbox_success": 1}
    assert till.state(number) == "REFUNDED"
