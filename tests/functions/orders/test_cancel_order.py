"""POST /orders/{order_number}/cancel: WeChat Pay first, then the stock; never both paid and released."""

import pytest

from orchard.core.errors import Unavailable
from orchard.payments.service import prepay
from orchard.runtime.database import Connection
from orchard.workflows import close_order, notifications
from tests.support import races
from tests.support.kills import killed
from tests.support.notices import Platform
from tests.support.stock import ledger_counts, levels
from tests.support.till import PRICE_FEN, Till


def test_an_order_never_prepaid_is_closed_without_wechat(till: Till) -> None:
    buyer = till.buyer()
    goods = till.shop.sell(price_fen=PRICE_FEN, stock=5)
    number = till.order(buyer, goods=goods)
    till.sandbox.misbehave("error_before", call="query", times=None)
    answer = till.cancel(buyer, number)
    assert (answer.status, answer.json) == (200, {"order_number": number, "state": "CLOSED"})
    assert levels(till.db)[goods.sku_id] == (5, 0)
    assert till.rows("SELECT id FROM payment_call") == []


def test_a_prepaid_order_is_closed_at_wechat_first(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    sheet = till.sheet(buyer, number)
    assert till.cancel(buyer, number).status == 200
    assert till.payment(number)["state"] == "CLOSED"
    assert till.sandbox.ledger()["payments"][0]["state"] == "CLOSED"
    assert till.sandbox.confirm_payment(sheet)["errMsg"] != "requestPayment:ok"
    assert till.rows("SELECT kind, state FROM payment_call ORDER BY id") == [
        {"kind": "PREPAY", "state": "DONE"}, {"kind": "CLOSE", "state": "DONE"}
    ]  # fmt: skip


def test_cancelled_again_it_answers_the_same(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sheet(buyer, number)
    answers = [till.cancel(buyer, number) for _ in range(3)]
    assert {answer.text for answer in answers} == {answers[0].text}
    assert ledger_counts(till.db)["RELEASE"] == 1


def test_a_foreign_order_is_hidden(till: Till) -> None:
    number = till.order(till.buyer())
    assert till.cancel(till.buyer(), number).status == 404
    assert till.state(number) == "PENDING_PAY"


def test_a_paid_order_is_not_cancelled(till: Till) -> None:
    buyer, number = till.paid_order()
    answer = till.cancel(buyer, number)
    assert (answer.status, answer.code) == (409, "order_already_paid")
    assert till.state(number) == "TO_SHIP"


def test_money_that_nobody_told_of_is_found_before_anything_is_released(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.take_money(buyer, number)
    till.sandbox.misbehave("notice_lost", call="payment_notice")
    till.sandbox.deliver_notifications()
    answer = till.cancel(buyer, number)
    assert (answer.status, answer.code) == (409, "order_already_paid")
    assert till.state(number) == "TO_SHIP"
    assert ledger_counts(till.db).get("RELEASE", 0) == 0


def test_case_66_the_buyer_pays_while_the_close_is_on_its_way(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sheet(buyer, number)
    till.sandbox.misbehave("pay_first", call="close")
    answer = till.cancel(buyer, number)
    assert (answer.status, answer.code) == (409, "order_already_paid")
    assert till.state(number) == "TO_SHIP"
    till.sandbox.deliver_notifications()
    assert len(till.rows("SELECT id FROM payment_receipt")) == 1


def test_case_66_in_the_old_spelling(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sheet(buyer, number)
    till.sandbox.misbehave("pay_first", call="close")
    till.sandbox.misbehave("old_spelling", call="close")
    assert till.cancel(buyer, number).code == "order_already_paid"


@pytest.mark.parametrize("fault", ["reset_after", "error_after", "signature_missing", "signature_corrupt"])
def test_a_close_without_answer_is_decided_by_a_query(till: Till, fault: str) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sheet(buyer, number)
    till.sandbox.misbehave(fault, call="close")
    assert till.cancel(buyer, number).status == 200
    assert till.state(number) == "CLOSED"


def test_while_wechat_gives_no_answer_nothing_is_released(till: Till) -> None:
    buyer = till.buyer()
    goods = till.shop.sell(price_fen=PRICE_FEN, stock=5)
    number = till.order(buyer, goods=goods)
    till.sheet(buyer, number)
    till.sandbox.misbehave("error_before", call="close", times=None)
    answer = till.cancel(buyer, number)
    assert (answer.status, answer.code) == (503, "counterparty_unknown")
    assert levels(till.db)[goods.sku_id] == (5, 2)
    till.sandbox.behave()
    assert till.cancel(buyer, number).status == 200
    assert levels(till.db)[goods.sku_id] == (5, 0)


def test_an_unknown_prepay_may_still_arrive_so_nothing_is_released_yet(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sandbox.misbehave("reset_before", call="prepay")
    till.pay(buyer, number)
    answer = till.cancel(buyer, number)
    assert (answer.status, answer.code) == (503, "payment_in_progress")
    assert till.state(number) == "PENDING_PAY"
    till.sweep()
    assert till.state(number) == "CLOSED"


def test_a_prepay_under_way_is_waited_for(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    with monkeypatch.context() as patch:
        patch.setattr(prepay, "prepay_done", killed)
        till.pay(buyer, number)
    assert till.cancel(buyer, number).code == "payment_in_progress"
    till.sweep()
    assert till.cancel(buyer, number).status == 200


def test_case_119_killed_between_the_close_and_the_release(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sheet(buyer, number)
    with monkeypatch.context() as patch:
        patch.setattr(close_order, "_finish", killed)
        assert till.cancel(buyer, number).status == 500
    assert till.state(number) == "PENDING_PAY"
    till.sweep()
    assert till.state(number) == "CLOSED"
    assert till.rows("SELECT id FROM payment_call WHERE ended_at IS NULL") == []


@pytest.mark.parametrize("paid", [False, True])
def test_case_24_cancel_timeout_and_pay_at_once_release_or_deduct_once(
    till: Till, platform: Platform, paid: bool
) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sheet(buyer, number)
    till.expire(number)
    if paid:
        till.sandbox.confirm_payment(_sheet_id(till, number))
    notice = platform.told(till.sandbox.ledger(), number).call if paid else None

    def act(connection: Connection, attempt: int) -> str:
        if attempt % 3 == 0:
            return close_order.cancel_order(connection, buyer.session, number).state.value
        if attempt % 3 == 1:
            return close_order.close_order(connection, number, "timeout").value
        if notice is not None:
            notifications.accept_payment(connection, notice)
        return "told"

    outcomes = races.race(range(12), act, connections=12)
    assert {getattr(error, "status", 500) for error in races.errors(outcomes)} <= {409, 503}
    assert till.state(number) == ("TO_SHIP" if paid else "CLOSED")
    ends = ledger_counts(till.db)
    assert (ends.get("DEDUCT", 0), ends.get("RELEASE", 0)) == ((1, 0) if paid else (0, 1))


def test_case_24_the_payment_lands_in_the_middle_of_the_race(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sheet(buyer, number)
    till.expire(number)
    till.sandbox.misbehave("pay_first", call="close")

    def act(connection: Connection, attempt: int) -> str:
        if attempt % 2:
            return close_order.cancel_order(connection, buyer.session, number).state.value
        return close_order.close_order(connection, number, "timeout").value

    outcomes = races.race(range(8), act, connections=8)
    assert {getattr(error, "status", 500) for error in races.errors(outcomes)} <= {409, 503}
    till.sandbox.deliver_notifications()
    assert till.state(number) == "TO_SHIP"
    ends = ledger_counts(till.db)
    assert (ends.get("DEDUCT", 0), ends.get("RELEASE", 0)) == (1, 0)


def _sheet_id(till: Till, number: str) -> str:
    return str(till.payment(number)["prepay_id"])


def test_without_time_for_wechat_the_order_is_left_to_the_sweep(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sheet(buyer, number)
    with till.db.within(10), pytest.raises(Unavailable):
        close_order.cancel_order(till.db, buyer.session, number)
    assert till.sandbox.ledger()["payments"][0]["state"] == "NOTPAY"
    till.sweep()
    assert till.state(number) == "CLOSED"
