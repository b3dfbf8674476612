"""POST /orders/{order_number}/pay: one prepay per order, the same number for ever, nothing half-done."""

import json
from collections.abc import Callable, Iterator

import boto3
import pytest

from orchard.core.errors import Unavailable
from orchard.payments.models import OrderNotPayable
from orchard.payments.service import prepay
from orchard.runtime import settings
from orchard.runtime.database import Connection
from orchard.workflows import pay_order
from tests.support import races
from tests.support.kills import killed
from tests.support.till import PRICE_FEN, Till
from tests.support.wechat import SECRET_ID


def test_pay_gives_the_parameters_of_the_sheet(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    answer = till.pay(buyer, number)
    assert answer.status == 200
    assert answer.json["amount_fen"] == 2 * PRICE_FEN
    assert sorted(answer.json["parameters"]) == ["nonceStr", "package", "paySign", "signType", "timeStamp"]
    assert till.sandbox.confirm_payment(answer.json["parameters"])["errMsg"] == "requestPayment:ok"
    till.sandbox.deliver_notifications()
    assert till.state(number) == "TO_SHIP"


def test_case_64_prepay_repeated_is_the_same_prepay(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    packages = {till.sheet(buyer, number)["package"] for _ in range(3)}
    assert len(packages) == 1
    assert till.prepays() == 1


def test_after_two_hours_the_identical_body_is_posted_again(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    first = till.sheet(buyer, number)["package"]
    body = till.payment(number)["prepay_body"]
    till.change("UPDATE payment SET prepay_expires_at = UTC_TIMESTAMP(6)")
    second = till.sheet(buyer, number)
    assert second["package"] != first
    assert till.payment(number)["prepay_body"] == body
    assert till.sandbox.confirm_payment(second)["errMsg"] == "requestPayment:ok"
    till.sandbox.deliver_notifications()


def test_two_parallel_pays_make_one_prepay(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)

    def pay(connection: Connection, _: int) -> str:
        sheet = pay_order.pay_order(connection, buyer.session, number)
        assert sheet.parameters is not None
        return sheet.parameters.package

    outcomes = races.race(range(8), pay, connections=8)
    assert races.errors(outcomes) == []
    assert len(set(races.values(outcomes))) == 1
    assert till.prepays() == 1


def test_case_63_a_foreign_order_is_hidden(till: Till) -> None:
    owner, stranger = till.buyer(), till.buyer()
    number = till.order(owner)
    foreign, missing = till.pay(stranger, number), till.pay(stranger, "20260101AAAAAAAAAAAAAAAA")
    assert foreign.status == missing.status == 404
    for answer in (foreign, missing):
        answer.json.pop("request_id")
    assert foreign.json == missing.json
    assert till.rows("SELECT id FROM payment") == []


def test_case_20_an_order_that_costs_nothing_needs_no_sheet(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer, goods=till.shop.sell(price_fen=0))
    first, again = till.pay(buyer, number), till.pay(buyer, number)
    assert first.status == again.status == 200
    assert first.json == again.json == {
        "order_number": number, "state": "TO_SHIP", "amount_fen": 0, "parameters": None
    }  # fmt: skip
    assert till.sandbox.ledger()["payments"] == []
    assert till.prepays() == 0


def test_an_order_past_its_time_is_not_payable(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.expire(number)
    answer = till.pay(buyer, number)
    assert (answer.status, answer.code) == (409, "order_not_payable")
    assert till.rows("SELECT id FROM payment") == []


def test_a_paid_order_is_not_paid_twice(till: Till) -> None:
    buyer, number = till.paid_order()
    answer = till.pay(buyer, number)
    assert (answer.status, answer.code) == (409, "order_already_paid")


def test_an_order_that_is_being_closed_gets_no_new_prepay(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sheet(buyer, number)
    till.change("UPDATE payment SET closing_at = UTC_TIMESTAMP(6)")
    answer = till.pay(buyer, number)
    assert (answer.status, answer.code) == (409, OrderNotPayable.code)


@pytest.mark.parametrize("fault", ["reset_after", "error_after", "signature_missing", "body_tampered"])
def test_case_65_a_prepay_without_answer_is_unknown_and_retried_with_the_same_number(till: Till, fault: str) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sandbox.misbehave(fault, call="prepay")
    answer = till.pay(buyer, number)
    assert (answer.status, answer.code) == (503, "counterparty_unknown")
    assert till.payment(number)["state"] == "UNKNOWN"
    till.take_money(buyer, number)
    till.sandbox.deliver_notifications()
    assert till.state(number) == "TO_SHIP"
    assert [p["out_trade_no"] for p in till.sandbox.ledger()["payments"]] == [number]


@pytest.mark.parametrize("fault", ["reset_before", "error_before"])
def test_a_prepay_that_never_arrived_is_retried(till: Till, fault: str) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sandbox.misbehave(fault, call="prepay")
    assert till.pay(buyer, number).status == 503
    assert till.pay(buyer, number).status == 200


def test_a_prepay_that_wechat_refuses_leaves_the_order_payable(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    refusal = {"status": 400, "code": "PARAM_ERROR", "message": "-"}
    till.sandbox.misbehave("pay_error", call="prepay", value=refusal)
    answer = till.pay(buyer, number)
    assert (answer.status, answer.code) == (502, "counterparty_refused")
    assert till.rows("SELECT state, note FROM payment_call") == [{"state": "REFUSED", "note": "PARAM_ERROR"}]
    assert till.pay(buyer, number).status == 200


def test_a_prepay_of_an_order_paid_meanwhile_books_the_payment(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sandbox.misbehave("notice_lost", call="payment_notice")
    till.take_money(buyer, number)
    till.change("UPDATE payment SET prepay_expires_at = UTC_TIMESTAMP(6)")
    answer = till.pay(buyer, number)
    assert (answer.status, answer.code) == (409, "order_already_paid")
    assert till.state(number) == "TO_SHIP"


def test_case_119_a_function_that_died_in_the_call_is_finished_by_the_sweep(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    with monkeypatch.context() as patch:
        patch.setattr(prepay, "prepay_done", killed)
        assert till.pay(buyer, number).status == 500
    assert till.rows("SELECT state FROM payment_call") == [{"state": "OPEN"}]
    assert till.sweep()["calls_unpaid"] == 1
    assert till.rows("SELECT state FROM payment_call") == [{"state": "DONE"}]
    assert till.pay(buyer, number).status == 200


@pytest.mark.parametrize("broken", ["merchant_private_key", "api_v3_key", "platform_public_keys"])
def test_case_77_without_the_merchants_keys_nothing_is_begun(
    till: Till, secret: Callable[..., None], broken: str
) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    secret(without=broken)
    answer = till.pay(buyer, number)
    assert answer.status == 500
    assert broken not in answer.text
    assert till.rows("SELECT id FROM payment") == []
    assert till.rows("SELECT id FROM payment_call") == []


@pytest.fixture
def secret(till: Till) -> Iterator[Callable[..., None]]:
    """Change the merchant's secret for one test."""
    client = boto3.client("secretsmanager")
    whole = json.loads(client.get_secret_value(SecretId=SECRET_ID)["SecretString"])

    def put(values: dict[str, object]) -> None:
        client.put_secret_value(SecretId=SECRET_ID, SecretString=json.dumps(values))
        settings.forget()

    def change(*, without: str) -> None:
        put({name: value for name, value in whole.items() if name != without})

    yield change
    put(whole)


def test_another_prepay_posts_the_stored_body_though_the_shop_has_moved(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sheet(buyer, number)
    till.change("UPDATE payment SET prepay_expires_at = UTC_TIMESTAMP(6)")
    monkeypatch.setenv("ORCHARD_WECHAT_PAY_NOTIFY_URL", "https://new.example.com")
    settings.forget()
    # WeChat Pay refuses any other body under the same number.
    answer = till.pay(buyer, number)
    monkeypatch.undo()
    settings.forget()
    assert answer.status == 200, answer.text


def test_a_prepay_that_is_about_to_end_is_not_handed_out(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    first = till.sheet(buyer, number)["package"]
    till.change("UPDATE payment SET prepay_expires_at = UTC_TIMESTAMP(6) + INTERVAL 9 MINUTE")
    assert till.sheet(buyer, number)["package"] != first


def test_a_prepay_that_is_answered_after_the_close_began_gives_no_sheet(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sheet(buyer, number)
    step = prepay.PrepayStep("call", till.payment(number)["id"])
    assert till.db.run(lambda tx: prepay.prepay_done(tx, step, "wx1"))
    till.change("UPDATE payment SET closing_at = UTC_TIMESTAMP(6)")
    assert not till.db.run(lambda tx: prepay.prepay_done(tx, step, "wx2"))


def test_nothing_is_sent_to_wechat_when_a_slow_answer_would_come_too_late(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    with till.db.within(10), pytest.raises(Unavailable):
        pay_order.pay_order(till.db, buyer.session, number)
    assert till.rows("SELECT state FROM payment_call") == [{"state": "NOT_DONE"}]
    assert till.sandbox.ledger()["payments"] == []
    assert till.pay(buyer, number).status == 200
