"""POST /orders/{order_number}/confirm-payment: the client's word only triggers a query."""

import pytest

from tests.support.till import PRICE_FEN, Till


def test_a_payment_whose_notification_is_late_is_found_by_the_query(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.take_money(buyer, number)
    answer = till.confirm(buyer, number)
    assert answer.json == {"order_number": number, "state": "TO_SHIP", "paid": True}
    assert [d["status"] for d in till.sandbox.deliver_notifications()] == [200]
    assert len(till.rows("SELECT id FROM payment_receipt")) == 1


@pytest.mark.parametrize("body", [None, {"paid": True, "errMsg": "requestPayment:ok"}, {"trade_state": "SUCCESS"}])
def test_case_62_the_clients_word_moves_nothing(till: Till, body: object) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sheet(buyer, number)
    answer = till.confirm(buyer, number, body)
    assert answer.json == {"order_number": number, "state": "PENDING_PAY", "paid": False}


def test_before_any_prepay_nobody_is_asked(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sandbox.misbehave("error_before", call="query", times=None)
    assert till.confirm(buyer, number).json["paid"] is False


def test_case_63_a_foreign_order_is_hidden(till: Till) -> None:
    number = till.order(till.buyer())
    assert till.confirm(till.buyer(), number).status == 404


@pytest.mark.parametrize("fault", ["reset_before", "error_after", "signature_forged", "signature_aged"])
def test_no_answer_to_trust_is_no_decision(till: Till, fault: str) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.take_money(buyer, number)
    till.sandbox.misbehave(fault, call="query")
    answer = till.confirm(buyer, number)
    assert (answer.status, answer.code) == (503, "counterparty_unknown")
    assert till.state(number) == "PENDING_PAY"
    assert till.confirm(buyer, number).json["paid"] is True


def test_case_59_a_query_that_tells_another_amount_pays_nothing(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.take_money(buyer, number)
    till.change("UPDATE payment SET amount_fen = amount_fen + 1")
    assert till.confirm(buyer, number).json["paid"] is False
    assert till.alarms() == {"WRONG_AMOUNT": 1}
    till.change("UPDATE payment SET amount_fen = amount_fen - 1")
    assert till.confirm(buyer, number).json["paid"] is True
    assert till.payment(number)["amount_fen"] == 2 * PRICE_FEN


def test_it_answers_the_same_once_paid(till: Till) -> None:
    buyer, number = till.paid_order()
    till.sandbox.misbehave("error_before", call="query", times=None)
    assert till.confirm(buyer, number).json == {"order_number": number, "state": "TO_SHIP", "paid": True}
