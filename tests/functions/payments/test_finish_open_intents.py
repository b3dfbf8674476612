"""Job finish_open_intents: whatever was begun and never ended is asked for and ended."""

import pytest

from orchard.runtime import inbox
from orchard.runtime.database import Connection
from orchard.runtime.jobs import TimeLeft
from orchard.workflows import notifications
from orchard.workflows.finish_open_intents import finish_open_intents
from tests.support import races
from tests.support.kills import killed
from tests.support.till import Buyer, Till


def _unknown_prepay(till: Till, fault: str) -> tuple[Buyer, str]:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sandbox.misbehave(fault, call="prepay")
    assert till.pay(buyer, number).status == 503
    return buyer, number


def test_nothing_open_nothing_done(till: Till) -> None:
    assert till.fire("payments/finish_open_intents") == {}


def test_case_65_an_unknown_prepay_that_arrived(till: Till) -> None:
    _, number = _unknown_prepay(till, "reset_after")
    assert till.sweep() == {"calls_unpaid": 1}
    assert till.payment(number)["state"] == "PREPAID"
    assert till.rows("SELECT state, note FROM payment_call") == [{"state": "DONE", "note": "found unpaid"}]


def test_case_65_an_unknown_prepay_that_never_arrived(till: Till) -> None:
    buyer, number = _unknown_prepay(till, "reset_before")
    assert till.sweep() == {"calls_missing": 1}
    assert till.payment(number)["state"] == "CREATED"
    assert till.rows("SELECT state FROM payment_call") == [{"state": "NOT_DONE"}]
    assert till.pay(buyer, number).status == 200


def test_a_fresh_unknown_prepay_may_still_arrive_and_is_left_alone(till: Till) -> None:
    _, number = _unknown_prepay(till, "reset_before")
    till.change("UPDATE payment_call SET next_try_at = UTC_TIMESTAMP(6)")
    assert till.fire("payments/finish_open_intents") == {"calls_later": 1}
    assert till.payment(number)["state"] == "UNKNOWN"


def test_an_unanswered_query_leaves_it_open_with_a_growing_pause(till: Till) -> None:
    _unknown_prepay(till, "reset_after")
    till.sandbox.misbehave("error_before", call="query", times=None)
    assert till.sweep() == {"calls_later": 1}
    sql = "SELECT state, tries, TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(6), next_try_at) >= 55 AS paused FROM payment_call"
    assert till.rows(sql) == [{"state": "UNKNOWN", "tries": 2, "paused": 1}]


def test_unknown_for_a_day_calls_an_operator_until_it_is_decided(till: Till) -> None:
    _unknown_prepay(till, "reset_after")
    till.change("UPDATE payment_call SET started_at = started_at - INTERVAL 25 HOUR")
    till.sandbox.misbehave("error_before", call="query")
    till.sweep()
    assert till.alarms(only_open=True) == {"STUCK_CALL": 1}
    till.sweep()
    assert till.alarms(only_open=True) == {}


@pytest.mark.parametrize("fault", ["reset_before", "reset_after", "error_before", "error_after", "rate_limited"])
def test_a_close_that_hung_is_finished(till: Till, fault: str) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sheet(buyer, number)
    till.sandbox.misbehave(fault, call="close", times=None)
    till.sandbox.misbehave("reset_before", call="query", times=None)
    assert till.cancel(buyer, number).status == 503
    assert till.state(number) == "PENDING_PAY"
    till.sandbox.behave()
    till.sweep()
    assert till.state(number) == "CLOSED"
    assert till.rows("SELECT id FROM payment_call WHERE ended_at IS NULL") == []


def test_repeated_closing_is_one_intent_and_keeps_its_reason(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sheet(buyer, number)
    till.sandbox.misbehave("error_before", call="query", times=None)
    for _ in range(3):
        assert till.cancel(buyer, number).status == 503
        till.sweep()
    assert len(till.rows("SELECT id FROM payment_call WHERE kind = 'CLOSE'")) == 1
    till.sandbox.behave()
    till.sweep()
    assert till.rows("SELECT state, close_reason FROM orders") == [{"state": "CLOSED", "close_reason": "cancelled"}]


def test_a_timeout_that_hung_stays_a_timeout(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sheet(buyer, number)
    till.expire(number)
    till.sandbox.misbehave("error_before", call="query")
    assert till.fire("orders/close_unpaid_orders") == {"later": 1}
    till.sweep()
    assert till.rows("SELECT state, close_reason FROM orders") == [{"state": "CLOSED", "close_reason": "timeout"}]


def test_overlapping_sweeps_take_each_intent_once(till: Till) -> None:
    _unknown_prepay(till, "reset_after")
    till.change("UPDATE payment_call SET next_try_at = UTC_TIMESTAMP(6)")

    def run(connection: Connection, _: int) -> dict[str, int]:
        return finish_open_intents(connection, TimeLeft(None))

    counts = races.values(races.race(range(6), run, connections=6))
    assert sum(count.get("calls_unpaid", 0) for count in counts) == 1


def test_notifications_that_fail_again_and_again_leave_the_others_their_turn(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "_BATCH", 2)
    for number in range(3):
        payload = {"out_trade_no": f"N{number}", "trade_state": "NONSENSE"}
        till.db.run(lambda tx, n=number, p=payload: inbox.store(tx, notifications.PAYMENTS, f"EV-{n}", f"N{n}", p))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
    buyer = till.buyer()
    number_of = till.order(buyer)
    till.take_money(buyer, number_of)
    with monkeypatch.context() as patch:
        patch.setattr(notifications, "settle", killed)
        till.sandbox.deliver_notifications()
    assert till.fire("payments/finish_open_intents") == {"inbox_failed": 3, "inbox_paid": 1}
    assert till.fire("payments/finish_open_intents") == {}
    till.end_pauses()
    assert till.fire("payments/finish_open_intents") == {"inbox_failed": 3}
    assert till.rows("SELECT DISTINCT tries FROM retry_pause") == [{"tries": 2}]
