"""A function may be killed before or after any of its commits: what it left is finished, once, and the books agree."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest

from orchard.payments.models import OrderAlreadyPaid
from orchard.runtime.database import Connection, Tx
from orchard.workflows import close_order, notifications, pay_order, send_refunds
from orchard.workflows.finish_open_intents import finish_open_intents
from orchard.workflows.refund_settled import refund_order
from tests.support.notices import Platform
from tests.support.stock import ledger_counts
from tests.support.till import Till

T = TypeVar("T")


class KilledError(BaseException):
    """The platform stopped the function: no handler of ours may see it."""


class MortalConnection(Connection):
    """A connection whose process dies at its `point`-th transaction: before it, or right behind its commit."""

    def __init__(self, point: int, *, committed: bool) -> None:
        super().__init__()
        self._left, self._committed = point, committed

    def run(self, work: Callable[[Tx], T]) -> T:
        self._left -= 1
        if self._left == 0 and not self._committed:
            raise KilledError
        result = super().run(work)
        if self._left == 0:
            raise KilledError
        return result


@pytest.fixture(params=[False, True], ids=["before", "after"])
def deaths(request: pytest.FixtureRequest) -> Callable[[Callable[[Connection], object]], Iterator[int]]:
    """Run a piece of work again and again, killed one transaction later each time, until it survives."""

    def die(work: Callable[[Connection], object]) -> Iterator[int]:
        for point in range(1, 20):
            connection = MortalConnection(point, committed=request.param)
            try:
                work(connection)
            except KilledError:
                yield point
            else:
                return
            finally:
                connection.discard()
        raise AssertionError("the work never ends")

    return die


Deaths = Callable[[Callable[[Connection], object]], Iterator[int]]


def test_case_119_paying(till: Till, deaths: Deaths) -> None:
    buyer = till.buyer()
    numbers: list[str] = []

    def work(connection: Connection) -> None:
        numbers.append(till.order(buyer))
        pay_order.pay_order(connection, buyer.session, numbers[-1])

    points = list(deaths(work))
    assert len(points) >= 4
    till.sweep()
    for number in numbers:
        till.take_money(buyer, number)
    till.sandbox.deliver_notifications()
    assert {till.state(number) for number in numbers} == {"TO_SHIP"}
    assert till.rows("SELECT id FROM payment_call WHERE ended_at IS NULL") == []


def test_case_119_cancelling(till: Till, deaths: Deaths) -> None:
    buyer = till.buyer()
    numbers: list[str] = []

    def work(connection: Connection) -> None:
        numbers.append(till.order(buyer))
        till.sheet(buyer, numbers[-1])
        close_order.cancel_order(connection, buyer.session, numbers[-1])

    assert len(list(deaths(work))) >= 4
    till.sweep()
    # Killed before its intent was written, a cancel has not begun: it is repeated.
    for number in numbers:
        assert till.cancel(buyer, number).status == 200
    assert ledger_counts(till.db)["RELEASE"] == len(numbers)
    assert till.rows("SELECT id FROM payment_call WHERE ended_at IS NULL") == []


def test_case_119_cancelling_what_is_paid_meanwhile(till: Till, deaths: Deaths) -> None:
    buyer = till.buyer()
    numbers: list[str] = []

    def work(connection: Connection) -> None:
        numbers.append(till.order(buyer))
        till.sheet(buyer, numbers[-1])
        till.sandbox.misbehave("pay_first", call="close")
        with pytest.raises(OrderAlreadyPaid):
            close_order.cancel_order(connection, buyer.session, numbers[-1])

    assert len(list(deaths(work))) >= 4
    till.sweep()
    till.sandbox.deliver_notifications()
    unpaid = [number for number in numbers if till.state(number) != "TO_SHIP"]
    # Where it died before WeChat Pay was asked to close, nobody has paid.
    assert {till.cancel(buyer, number).status for number in unpaid} <= {200, 409}
    assert {till.state(number) for number in numbers} <= {"TO_SHIP", "CLOSED"}
    assert till.rows("SELECT id FROM payment_call WHERE ended_at IS NULL") == []


def test_case_70_booking_a_notification(till: Till, platform: Platform, deaths: Deaths) -> None:
    buyer = till.buyer()
    numbers: list[str] = []
    till.sandbox.misbehave("notice_lost", call="payment_notice", times=None)

    def work(connection: Connection) -> None:
        numbers.append(till.order(buyer))
        till.take_money(buyer, numbers[-1])
        till.sandbox.deliver_notifications()
        notifications.accept_payment(connection, platform.told(till.sandbox.ledger(), numbers[-1]).call)

    assert len(list(deaths(work))) >= 2
    till.sweep()
    for number in numbers:
        till.confirm(buyer, number)
    assert {till.state(number) for number in numbers} == {"TO_SHIP"}
    assert till.rows("SELECT id FROM callback_inbox WHERE processed_at IS NULL") == []


def test_cases_73_119_sending_a_refund(till: Till, deaths: Deaths) -> None:
    numbers: list[str] = []

    def work(connection: Connection) -> None:
        _, number = till.paid_order()
        numbers.append(number)
        refund = refund_order(till.db, number, reason="-", key="k-1")
        send_refunds.send_refund(connection, refund.id)

    assert len(list(deaths(work))) >= 2
    till.sweep()
    till.sandbox.deliver_notifications()
    assert {till.state(number) for number in numbers} == {"REFUNDED"}
    assert len(till.sandbox.ledger()["refunds"]) == len(numbers)


def test_case_119_the_sweep_itself(till: Till, deaths: Deaths) -> None:
    from orchard.runtime.jobs import TimeLeft

    buyer = till.buyer()
    numbers: list[str] = []

    def work(connection: Connection) -> None:
        # What the last one left behind is finished first, so that each run has one order to close.
        till.sweep()
        numbers.append(till.order(buyer))
        till.sheet(buyer, numbers[-1])
        till.sandbox.misbehave("reset_before", call="query")
        assert till.cancel(buyer, numbers[-1]).status == 503
        till.change("UPDATE payment_call SET next_try_at = UTC_TIMESTAMP(6) WHERE ended_at IS NULL")
        finish_open_intents(connection, TimeLeft(None))

    assert len(list(deaths(work))) >= 5
    till.sweep()
    till.sweep()
    assert {till.state(number) for number in numbers} == {"CLOSED"}
    assert ledger_counts(till.db)["RELEASE"] == len(numbers)
    assert till.rows("SELECT id FROM payment_call WHERE ended_at IS NULL") == []
