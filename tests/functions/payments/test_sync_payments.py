"""Job sync_payments: what brought no notification is asked for, on a ladder, once per rung."""

from orchard.payments.rules import QUERY_LADDER
from orchard.runtime.database import Connection
from orchard.runtime.jobs import TimeLeft
from orchard.workflows.ask_wechat import sync_payments
from tests.support import races
from tests.support.till import Till

DUE = "UPDATE payment SET next_query_at = UTC_TIMESTAMP(6) WHERE next_query_at IS NOT NULL"


def test_case_69_all_notifications_lost_the_query_pays(till: Till) -> None:
    till.sandbox.misbehave("notice_lost", times=None)
    orders = []
    for _ in range(3):
        buyer = till.buyer()
        orders.append(till.order(buyer))
        till.take_money(buyer, orders[-1])
    till.sandbox.deliver_notifications()
    assert till.fire("payments/sync_payments") == {}
    till.change(DUE)
    assert till.fire("payments/sync_payments") == {"paid": 3}
    assert {till.state(number) for number in orders} == {"TO_SHIP"}
    till.change(DUE)
    assert till.fire("payments/sync_payments") == {}


def test_the_ladder_ends(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sheet(buyer, number)
    asked = 0
    while till.payment(number)["next_query_at"] is not None:
        till.change(DUE)
        assert till.fire("payments/sync_payments") == {"unpaid": 1}
        asked += 1
    assert asked == len(QUERY_LADDER)


def test_the_first_rung_is_ten_seconds_after_the_prepay(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sheet(buyer, number)
    sql = "SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(6), next_query_at) AS seconds FROM payment"
    assert 5 <= till.rows(sql)[0]["seconds"] <= 10


def test_overlapping_runs_ask_once(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sheet(buyer, number)
    till.change(DUE)

    def run(connection: Connection, _: int) -> dict[str, int]:
        return sync_payments(connection, TimeLeft(None))

    counts = races.values(races.race(range(6), run, connections=6))
    assert sum(count.get("unpaid", 0) for count in counts) == 1
    assert till.payment(number)["query_attempt"] == 1


def test_one_payment_without_answer_does_not_stop_the_others(till: Till) -> None:
    buyers = [till.buyer() for _ in range(2)]
    numbers = [till.order(buyer) for buyer in buyers]
    for buyer, number in zip(buyers, numbers, strict=True):
        till.take_money(buyer, number)
    till.change(DUE)
    till.sandbox.misbehave("reset_before", call="query")
    assert till.fire("payments/sync_payments") == {"later": 1, "paid": 1}
    till.change(DUE)
    assert till.fire("payments/sync_payments") == {"paid": 1}
