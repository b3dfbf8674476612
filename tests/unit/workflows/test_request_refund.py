"""Asking for refunds: never more than was paid, in money, units, number or time, however many ask at once."""

import pytest

from orchard.payments import rules
from orchard.payments.models import (
    NotRefundable,
    RefundExceedsPaid,
    RefundKeyReused,
    RefundTooOld,
    TooManyRefunds,
)
from orchard.runtime.database import Connection
from orchard.workflows.refund_settled import refund_order
from tests.support import races
from tests.support.till import PRICE_FEN, Till

TOTAL_FEN = 2 * PRICE_FEN


def test_the_same_key_is_the_same_refund(till: Till) -> None:
    _, number = till.paid_order()
    first = till.refund(number, "once", till.units(number))
    assert till.refund(number, "once", till.units(number)).id == first.id
    with pytest.raises(RefundKeyReused):
        till.refund(number, "once", till.units(number, 2))
    assert len(till.refunds(number)) == 1


def test_an_unpaid_order_has_nothing_to_give_back(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    with pytest.raises(NotRefundable):
        till.refund(number)


def test_case_72_parallel_refunds_never_exceed_what_was_paid(till: Till) -> None:
    _, number = till.paid_order(quantity=5)
    lines = till.units(number, 2)

    def ask(connection: Connection, attempt: int) -> int:
        return refund_order(connection, number, reason="-", key=f"race-{attempt}", lines=lines).amount_fen

    outcomes = races.race(range(8), ask, connections=8)
    assert sorted(races.values(outcomes)) == [2 * PRICE_FEN] * 2
    assert {type(error) for error in races.errors(outcomes)} == {RefundExceedsPaid}
    assert all(error.status == 409 for error in races.errors(outcomes))  # type: ignore[attr-defined]  # typed just above


def test_parallel_whole_refunds_are_one(till: Till) -> None:
    _, number = till.paid_order()

    def ask(connection: Connection, attempt: int) -> int:
        return refund_order(connection, number, reason="-", key=f"race-{attempt}").amount_fen

    assert races.values(races.race(range(6), ask, connections=6)) == [TOTAL_FEN]


def test_case_74_the_fifty_first_refund_goes_the_manual_way(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MOST_REFUNDS", 2)
    _, number = till.paid_order(quantity=3)
    for attempt in range(2):
        till.refund(number, f"r-{attempt}", till.units(number))
    with pytest.raises(TooManyRefunds) as refused:
        till.refund(number, "r-3", till.units(number))
    assert refused.value.status == 409
    assert len(till.refunds(number)) == 2


def test_case_74_after_one_year_it_goes_the_manual_way(till: Till) -> None:
    _, number = till.paid_order()
    till.change("UPDATE payment_receipt SET succeeded_at = succeeded_at - INTERVAL 366 DAY")
    with pytest.raises(RefundTooOld):
        till.refund(number)
    assert till.refunds(number) == []
