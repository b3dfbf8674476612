"""Job close_unpaid_orders: expired orders, each in its own bracket; WeChat Pay is asked only where it knows them."""

import pytest

from orchard.core import clock
from orchard.orders.models import OrderStateConflict
from orchard.orders.service import close, locked_order
from orchard.runtime.database import Connection, Tx
from orchard.runtime.jobs import TimeLeft
from orchard.workflows import close_order
from orchard.workflows.close_order import close_unpaid_orders
from tests.support import races
from tests.support.calls import Context, invoke
from tests.support.stock import ledger_counts, levels
from tests.support.till import PRICE_FEN, Till


def _expired(till: Till, many: int) -> list[str]:
    buyer = till.buyer()
    goods = till.shop.sell(price_fen=PRICE_FEN)
    numbers = [till.order(buyer, goods=goods) for _ in range(many)]
    for number in numbers:
        till.expire(number)
    return numbers


def test_orders_never_prepaid_are_closed_without_wechat(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(close_order, "_BATCH", 2)
    numbers = _expired(till, 5)
    till.sandbox.misbehave("error_before", call="query", times=None)
    assert till.fire("orders/close_unpaid_orders") == {"closed": 5}
    assert {till.state(number) for number in numbers} == {"CLOSED"}
    assert {reserved for _, reserved in levels(till.db).values()} == {0}
    reasons = till.rows("SELECT DISTINCT close_reason FROM orders")
    assert reasons == [{"close_reason": "timeout"}]
    assert till.fire("orders/close_unpaid_orders") == {}


def test_an_order_that_has_time_left_stays_open(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    assert till.fire("orders/close_unpaid_orders") == {}
    assert close_order.close_order(till.db, number, "timeout").value == "PENDING_PAY"


def test_prepaid_paid_and_unanswered_orders_side_by_side(till: Till) -> None:
    buyer = till.buyer()
    numbers = [till.order(buyer) for _ in range(3)]
    for number in numbers:
        till.sheet(buyer, number)
    till.sandbox.misbehave("notice_lost", times=None)
    till.sandbox.confirm_payment(str(till.payment(numbers[1])["prepay_id"]))
    till.sandbox.deliver_notifications()
    for number in numbers:
        till.expire(number)
    till.sandbox.misbehave("reset_before", call="query")
    assert till.fire("orders/close_unpaid_orders") == {"later": 1, "paid": 1, "closed": 1}
    till.end_pauses()
    assert till.fire("orders/close_unpaid_orders") == {"closed": 1}
    assert sorted(till.state(number) for number in numbers) == ["CLOSED", "CLOSED", "TO_SHIP"]


def test_the_sheet_of_an_expired_order_takes_no_money(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    sheet = till.sheet(buyer, number)
    till.expire(number)
    till.sandbox.advance(31 * 60)
    assert till.sandbox.confirm_payment(sheet)["errMsg"] != "requestPayment:ok"
    assert till.fire("orders/close_unpaid_orders") == {"closed": 1}


def test_when_time_is_nearly_over_nothing_new_is_begun(till: Till) -> None:
    _expired(till, 2)
    assert invoke("orders/close_unpaid_orders", {}, milliseconds=1000) == {}
    assert close_unpaid_orders(till.db, TimeLeft(Context("r"))) == {"closed": 2}


def test_overlapping_runs_release_once(till: Till) -> None:
    _expired(till, 6)

    def run(connection: Connection, _: int) -> dict[str, int]:
        return close_unpaid_orders(connection, TimeLeft(None))

    outcomes = races.race(range(4), run, connections=4)
    assert races.errors(outcomes) == []
    assert ledger_counts(till.db)["RELEASE"] == 6


def test_money_of_a_wrong_amount_keeps_the_order_open_for_a_person(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.take_money(buyer, number)
    till.expire(number)
    till.change("UPDATE payment SET amount_fen = amount_fen - 1")
    assert till.fire("orders/close_unpaid_orders") == {"undecided": 1}
    assert till.alarms(only_open=True) == {"WRONG_AMOUNT": 1}
    assert till.state(number) == "PENDING_PAY"
    till.change("UPDATE payment SET amount_fen = amount_fen + 1")
    till.end_pauses()
    assert till.fire("orders/close_unpaid_orders") == {"paid": 1}


def test_however_many_there_are_they_go_in_the_same_round_trips(till: Till) -> None:
    def trips() -> int:
        before = till.db.round_trips
        close_unpaid_orders(till.db, TimeLeft(None))
        return till.db.round_trips - before

    _expired(till, 1)
    one = trips()
    _expired(till, 12)
    assert trips() == one
    assert till.rows("SELECT COUNT(*) AS n FROM outbox WHERE topic = 'order.closed'") == [{"n": 13}]
    events = till.rows("SELECT DISTINCT version, from_state, actor, reason FROM order_event WHERE to_state = 'CLOSED'")
    assert events == [{"version": 2, "from_state": "PENDING_PAY", "actor": "system", "reason": "timeout"}]


def test_one_order_that_cannot_be_closed_does_not_keep_the_others_open(till: Till) -> None:
    numbers = _expired(till, 5)
    ledger = "UPDATE stock_ledger SET delta_reserved = delta_reserved {} 1 WHERE order_id = (SELECT id FROM orders"
    till.change(ledger.format("+") + " WHERE order_number = %s)", numbers[2])
    assert till.fire("orders/close_unpaid_orders") == {"closed": 4, "failed": 1}
    assert [till.state(number) for number in numbers].index("PENDING_PAY") == 2
    till.change(ledger.format("-") + " WHERE order_number = %s)", numbers[2])
    till.end_pauses()
    assert till.fire("orders/close_unpaid_orders") == {"closed": 1}


def test_orders_that_cannot_be_closed_do_not_starve_those_behind_them(till: Till) -> None:
    stuck, waiting = _asked_for(till, 2), _asked_for(till, 2)
    for number in stuck:
        till.change("UPDATE orders SET expires_at = expires_at - INTERVAL 1 HOUR WHERE order_number = %s", number)
    # There is time for two items, and WeChat Pay leaves exactly so many without an answer.
    till.sandbox.misbehave("reset_before", call="query", times=2)
    assert _run_for_two_items(till) == {"later": 2}
    assert _run_for_two_items(till) == {"closed": 2}
    assert [till.state(number) for number in (*stuck, *waiting)] == ["PENDING_PAY"] * 2 + ["CLOSED"] * 2
    till.end_pauses()
    assert _run_for_two_items(till) == {"closed": 2}


def _asked_for(till: Till, many: int) -> list[str]:
    buyer = till.buyer()
    numbers = [till.order(buyer) for _ in range(many)]
    for number in numbers:
        till.sheet(buyer, number)
        till.expire(number)
    return numbers


class _TwoItems(TimeLeft):
    """Time for two items and no more."""

    def __init__(self) -> None:
        super().__init__(None)
        self.asked = 0

    def __bool__(self) -> bool:
        self.asked += 1
        # Asked once for the page and once for each item.
        return self.asked <= 3


def _run_for_two_items(till: Till) -> dict[str, int]:
    counts = close_unpaid_orders(till.db, _TwoItems())
    counts.pop("left_over", None)
    return counts


def test_a_slow_platform_ends_the_rounds_of_one_order(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    (number,) = _asked_for(till, 1)
    # As if the first query and close had taken all of the time.
    monkeypatch.setattr(close_order, "CLOSE_SECONDS", 0)
    assert till.fire("orders/close_unpaid_orders") == {"later": 1}
    assert till.state(number) == "PENDING_PAY"
    monkeypatch.undo()
    till.end_pauses()
    # The close had arrived, so the next run needs one query.
    assert till.fire("orders/close_unpaid_orders") == {"closed": 1}


@pytest.mark.parametrize("hours", [-3, 3])
def test_case_124_the_databases_clock_decides_whatever_the_functions_says(till: Till, hours: int) -> None:
    buyer = till.buyer()
    late, early = till.order(buyer), till.order(buyer)
    till.expire(late)

    def expired(number: str) -> bool | None:
        order = till.db.run(lambda tx: locked_order(tx, number))
        return order and order.expired

    with clock.shifted(hours * 3600):
        assert (expired(late), expired(early)) == (True, False)
        till.fire("orders/close_unpaid_orders")
    assert (till.state(late), till.state(early)) == ("CLOSED", "PENDING_PAY")


def test_a_paid_order_cannot_be_closed(till: Till) -> None:
    _, number = till.paid_order()

    def close_it(tx: Tx) -> None:
        order = locked_order(tx, number)
        assert order is not None
        close(tx, [order], "timeout")

    with pytest.raises(OrderStateConflict):
        till.db.run(close_it)
    assert till.state(number) == "TO_SHIP"
