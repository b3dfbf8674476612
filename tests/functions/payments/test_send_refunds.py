"""Refunds: asked for within what was paid, sent once under one number, settled by whatever answer comes."""

import pytest

from orchard.payments.models import (
    RefundExceedsPaid,
)
from orchard.runtime import settings
from orchard.runtime.database import Connection
from orchard.workflows import send_refunds
from tests.support import races
from tests.support.calls import invoke
from tests.support.till import FREIGHT_FEN, PRICE_FEN, Till

TOTAL_FEN = 2 * PRICE_FEN


def test_a_whole_refund_gives_everything_back_and_the_order_is_refunded(till: Till) -> None:
    _, number = till.paid_order(freight=True)
    asked = till.refund(number)
    assert (asked.state, asked.amount_fen, asked.out_refund_no) == ("CREATED", TOTAL_FEN + FREIGHT_FEN, f"R{asked.id}")
    assert till.send_refunds() == {"batchItemFailures": []}
    assert till.refunds(number)[0]["state"] == "PROCESSING"
    assert [d["status"] for d in till.sandbox.deliver_notifications()] == [200]
    assert till.refunds(number)[0]["state"] == "SUCCESS"
    assert till.state(number) == "REFUNDED"
    balance = till.rows("SELECT account, SUM(amount_fen) AS fen FROM money_posting GROUP BY account")
    assert {int(row["fen"]) for row in balance} == {0}


def test_units_in_any_split_give_back_exactly_what_was_paid(till: Till) -> None:
    till.sandbox.settings(minute_between_refunds=False)
    _, number = till.paid_order(quantity=3, freight=True)
    amounts = [till.refund(number, f"unit-{i}", till.units(number)).amount_fen for i in range(3)]
    assert sum(amounts) == 3 * PRICE_FEN + FREIGHT_FEN
    with pytest.raises(RefundExceedsPaid):
        till.refund(number, "unit-4", till.units(number))
    till.send_refunds()
    till.sandbox.deliver_notifications()
    assert till.state(number) == "REFUNDED"


def test_a_part_leaves_the_order_as_it_is(till: Till) -> None:
    _, number = till.paid_order()
    till.refund(number, lines=till.units(number))
    till.send_refunds()
    till.sandbox.deliver_notifications()
    assert till.state(number) == "TO_SHIP"
    rest = till.refund(number, "rest")
    assert rest.amount_fen == PRICE_FEN


def test_an_order_that_cost_nothing_is_refunded_without_a_call(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer, goods=till.shop.sell(price_fen=0))
    till.pay(buyer, number)
    assert till.refund(number).state == "SUCCESS"
    assert till.state(number) == "REFUNDED"
    assert till.sandbox.ledger()["refunds"] == []


@pytest.mark.parametrize("fault", ["reset_after", "error_after", "signature_corrupt"])
def test_case_73_a_refund_without_answer_keeps_its_number(till: Till, fault: str) -> None:
    _, number = till.paid_order()
    asked = till.refund(number)
    till.sandbox.misbehave(fault, call="refund")
    till.send_refunds()
    row = till.refunds(number)[0]
    assert (row["state"], row["tries"]) == ("CREATED", 1)
    assert row["problem"]
    till.sweep()
    till.sandbox.deliver_notifications()
    assert till.refunds(number)[0]["state"] == "SUCCESS"
    assert [r["out_refund_no"] for r in till.sandbox.ledger()["refunds"]] == [asked.out_refund_no]


@pytest.mark.parametrize("fault", ["reset_before", "error_before", "rate_limited"])
def test_case_73_a_refund_that_never_arrived_is_sent_again(till: Till, fault: str) -> None:
    _, number = till.paid_order()
    asked = till.refund(number)
    till.sandbox.misbehave(fault, call="refund", times=2)
    till.send_refunds()
    assert till.refunds(number)[0]["state"] == "CREATED"
    till.sandbox.behave()
    till.sweep()
    till.sandbox.deliver_notifications()
    assert [(r["out_refund_no"], r["status"]) for r in till.sandbox.ledger()["refunds"]] == [
        (asked.out_refund_no, "SUCCESS")
    ]
    assert till.state(number) == "REFUNDED"


def test_case_119_killed_after_the_call_the_refund_is_found_by_its_number(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, number = till.paid_order()
    till.refund(number)
    with monkeypatch.context() as patch:
        patch.setattr(send_refunds, "apply_refund", _killed)
        assert len(till.send_refunds()["batchItemFailures"]) == 1
    assert till.refunds(number)[0]["state"] == "CREATED"
    till.sweep()
    assert till.refunds(number)[0]["state"] in ("PROCESSING", "SUCCESS")
    till.sandbox.deliver_notifications()
    assert len(till.sandbox.ledger()["refunds"]) == 1
    assert till.state(number) == "REFUNDED"


def _killed(*_: object) -> str:
    raise SystemError("the function was killed here")


def test_case_121_the_queue_delivers_twice_and_two_workers_run(till: Till) -> None:
    _, number = till.paid_order()
    asked = till.refund(number)

    def send(connection: Connection, _: int) -> str:
        return send_refunds.send_refund(connection, asked.id)

    outcomes = races.values(races.race(range(6), send, connections=6))
    assert sorted(set(outcomes)) == ["not_due", "processing"]
    assert outcomes.count("processing") == 1
    assert till.send_refunds() == {"batchItemFailures": []}
    till.sandbox.deliver_notifications()


@pytest.mark.parametrize(("outcome", "alarm"), [("CLOSED", "REFUND_CLOSED"), ("ABNORMAL", "REFUND_ABNORMAL")])
def test_case_75_closed_and_abnormal_free_the_amount_with_an_alarm(till: Till, outcome: str, alarm: str) -> None:
    till.sandbox.settings(minute_between_refunds=False)
    _, number = till.paid_order()
    till.refund(number, "first")
    till.sandbox.misbehave("refund_outcome", call="refund", value=outcome)
    till.send_refunds()
    till.sandbox.deliver_notifications()
    assert till.refunds(number)[0]["state"] == outcome
    assert till.alarms(only_open=True) == {alarm: 1}
    assert till.state(number) == "TO_SHIP"
    assert till.refund(number, "second").amount_fen == TOTAL_FEN


def test_an_abnormal_refund_may_still_succeed(till: Till) -> None:
    _, number = till.paid_order()
    asked = till.refund(number)
    till.sandbox.misbehave("refund_outcome", call="refund", value="ABNORMAL")
    till.send_refunds()
    till.sandbox.deliver_notifications()
    till.sandbox.settle_refund(asked.out_refund_no, "SUCCESS")
    till.sandbox.deliver_notifications()
    assert till.refunds(number)[0]["state"] == "SUCCESS"
    assert till.state(number) == "REFUNDED"
    assert till.alarms(only_open=True) == {}


def test_an_abnormal_refund_that_succeeds_late_waits_until_its_amount_is_free_again(till: Till) -> None:
    till.sandbox.settings(minute_between_refunds=False)
    _, number = till.paid_order()
    first = till.refund(number, "first")
    till.sandbox.misbehave("refund_outcome", call="refund", value="ABNORMAL")
    till.send_refunds()
    till.sandbox.deliver_notifications()
    second = till.refund(number, "second")
    till.sandbox.settle_refund(first.out_refund_no, "SUCCESS")
    assert [d["status"] for d in till.sandbox.deliver_notifications()] == [503]
    # WeChat Pay refuses the second one, whose amount has gone back already.
    assert send_refunds.send_refund(till.db, second.id) == "refused"
    till.sandbox.advance(20)
    assert [d["status"] for d in till.sandbox.deliver_notifications()] == [200]
    assert [r["state"] for r in till.refunds(number)] == ["SUCCESS", "CLOSED"]
    assert till.alarms(only_open=True) == {"REFUND_REFUSED": 1}
    assert till.state(number) == "REFUNDED"


def test_case_76_a_short_balance_stays_visible_and_is_retried(till: Till) -> None:
    _, number = till.paid_order()
    asked = till.refund(number)
    till.sandbox.misbehave("not_enough", call="refund")
    till.send_refunds()
    row = till.refunds(number)[0]
    assert (row["state"], row["problem"]) == ("CREATED", "NOT_ENOUGH")
    assert till.alarms(only_open=True) == {"REFUND_NOT_ENOUGH": 1}
    # Not before its pause is over.
    assert till.fire("payments/finish_open_intents") == {}
    till.sweep()
    till.sandbox.deliver_notifications()
    assert [r["out_refund_no"] for r in till.sandbox.ledger()["refunds"]] == [asked.out_refund_no]
    assert till.state(number) == "REFUNDED"
    assert till.alarms(only_open=True) == {}


def test_a_refund_that_nobody_can_bring_home_calls_an_operator(till: Till) -> None:
    _, number = till.paid_order()
    till.refund(number)
    till.change("UPDATE refund SET tries = 20")
    till.sandbox.misbehave("error_before", call="refund_query")
    till.sweep()
    assert till.alarms(only_open=True) == {"REFUND_STUCK": 1}
    till.sweep()
    till.sandbox.deliver_notifications()
    assert till.state(number) == "REFUNDED"
    assert till.alarms(only_open=True) == {}


def test_a_refund_without_notification_is_settled_by_query(till: Till) -> None:
    _, number = till.paid_order()
    till.refund(number)
    till.sandbox.misbehave("notice_lost", call="refund_notice")
    till.send_refunds()
    till.sandbox.deliver_notifications()
    assert till.refunds(number)[0]["state"] == "PROCESSING"
    assert till.sweep() == {"refunds_success": 1}
    assert till.state(number) == "REFUNDED"


def test_two_refunds_within_a_minute_the_second_waits(till: Till) -> None:
    _, number = till.paid_order()
    for attempt in range(2):
        till.refund(number, f"r-{attempt}", till.units(number))
    till.send_refunds()
    assert [r["state"] for r in till.refunds(number)] == ["PROCESSING", "CREATED"]
    till.sandbox.advance(61)
    till.sweep()
    till.sandbox.deliver_notifications()
    assert [r["state"] for r in till.refunds(number)] == ["SUCCESS", "SUCCESS"]
    assert till.state(number) == "REFUNDED"


def test_a_poisoned_message_fails_alone(till: Till) -> None:
    answer = invoke("payments/send_refunds", {"Records": [
        {"messageId": "bad", "body": "{"},
        {"messageId": "gone", "body": '{"id": "1", "topic": "t", "subject": "s", "payload": {"refund_id": "5"}}'},
    ]})  # fmt: skip
    assert answer == {"batchItemFailures": [{"itemIdentifier": "bad"}]}


def test_a_repeated_refund_names_the_address_of_its_first_try(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    till.sandbox.settings(minute_between_refunds=False)
    _, number = till.paid_order()
    till.refund(number)
    till.sandbox.misbehave("reset_before", call="refund")
    till.send_refunds()
    address = till.refunds(number)[0]["notify_url"]
    assert address
    monkeypatch.setenv("ORCHARD_WECHAT_PAY_NOTIFY_URL", "https://new.example.com")
    settings.forget()
    till.sweep()
    monkeypatch.undo()
    settings.forget()
    # The whole body must stay the same under one refund number.
    assert till.refunds(number)[0]["notify_url"] == address
    till.sandbox.deliver_notifications()
    assert till.refunds(number)[0]["state"] == "SUCCESS"


def test_goods_of_a_refunded_order_stay_off_the_shelf(till: Till) -> None:
    goods = till.shop.sell(price_fen=PRICE_FEN, stock=5)
    buyer = till.buyer()
    number = till.order(buyer, 2, goods)
    till.take_money(buyer, number)
    till.sandbox.deliver_notifications()
    till.refund(number)
    till.send_refunds()
    till.sandbox.deliver_notifications()
    assert till.state(number) == "REFUNDED"
    assert till.shop.available(goods) == 3
