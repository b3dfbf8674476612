"""Decisions about payments without a database: what fits, when to ask again, what units are due."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchard.payments import rules
from orchard.payments.models import REFUND_TRANSITIONS, ExceptionKind, RefundExceedsPaid, RefundState, RefundUnits
from orchard.payments.rules import Expected, PaidFacts, PaidLine, Returned

EXPECTED = Expected("1600000001", "wx01", 1000, "o1")
SAID = PaidFacts("1600000001", "wx01", "20260101AAAA", "4200001", 1000, "CNY", "o1")


def test_what_agrees_in_everything_fits() -> None:
    assert rules.mismatch(EXPECTED, SAID) is None


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"merchant_id": "1600000002"}, ExceptionKind.FOREIGN_MERCHANT),
        ({"app_id": "wx02"}, ExceptionKind.FOREIGN_MERCHANT),
        ({"amount_fen": 999}, ExceptionKind.WRONG_AMOUNT),
        ({"amount_fen": 1001}, ExceptionKind.WRONG_AMOUNT),
        ({"currency": "USD"}, ExceptionKind.WRONG_CURRENCY),
        ({"openid": "o2"}, ExceptionKind.WRONG_PAYER),
        ({"openid": None}, ExceptionKind.WRONG_PAYER),
    ],
)
def test_what_differs_in_anything_does_not(change: dict[str, Any], kind: ExceptionKind) -> None:
    assert rules.mismatch(EXPECTED, dataclasses.replace(SAID, **change)) is kind


def test_the_ladder_of_queries_runs_from_ten_seconds_to_65_minutes() -> None:
    steps = [rules.seconds_to_next_query(attempt) for attempt in range(len(rules.QUERY_LADDER) + 1)]
    assert steps == [10, 20, 30, 60, 180, 300, 1200, 2100, None]
    assert sum(step for step in steps if step) == 65 * 60


def test_pauses_double_up_to_six_hours() -> None:
    assert [rules.seconds_to_next_try(tries) for tries in (0, 1, 2, 3, 9, 10, 1000)] == [
        60, 60, 120, 240, 15360, 21600, 21600
    ]  # fmt: skip
    assert rules.seconds_to_next_try(1, balance_short=True) == 900


LINE = st.builds(PaidLine, st.integers(1, 5), st.integers(1, 99), st.integers(0, 10**6), st.integers(0, 10**4))


@given(st.lists(LINE, min_size=1, max_size=5, unique_by=lambda line: line.order_line_id), st.data())
def test_all_units_in_any_split_are_exactly_all_the_money(lines: list[PaidLine], data: st.DataObject) -> None:
    given_back: dict[int, Returned] = {}
    while rest := rules.whole_rest(lines, given_back):
        picked = data.draw(st.sampled_from(rest))
        units = data.draw(st.integers(1, picked.units))
        due = rules.due_lines(lines, given_back, [RefundUnits(picked.order_line_id, units)])[0]
        assert due.goods_fen >= 0
        assert due.freight_fen >= 0
        before = given_back.get(due.order_line_id, Returned())
        given_back[due.order_line_id] = Returned(
            before.units + due.units, before.goods_fen + due.goods_fen, before.freight_fen + due.freight_fen
        )
    for line in lines:
        assert given_back[line.order_line_id] == Returned(line.units, line.goods_fen, line.freight_fen)


@given(LINE, st.data())
def test_refunds_that_failed_leave_no_line_beyond_what_it_was_paid(line: PaidLine, data: st.DataObject) -> None:
    held: list[rules.DueLine] = []
    for _ in range(data.draw(st.integers(1, 8))):
        one_fails: bool = data.draw(st.booleans())
        if held and one_fails:
            held.pop(data.draw(st.integers(0, len(held) - 1)))
        sums = Returned(*(sum(getattr(d, name) for d in held) for name in ("units", "goods_fen", "freight_fen")))
        rest = rules.whole_rest([line], {line.order_line_id: sums})
        if rest:
            wanted = RefundUnits(line.order_line_id, data.draw(st.integers(1, rest[0].units)))
            held += rules.due_lines([line], {line.order_line_id: sums}, [wanted])
        assert sum(due.goods_fen for due in held) <= line.goods_fen
        assert sum(due.freight_fen for due in held) <= line.freight_fen


@pytest.mark.parametrize(
    "wanted",
    [
        [],
        [RefundUnits(1, 0)],
        [RefundUnits(1, -1)],
        [RefundUnits(1, 4)],
        [RefundUnits(2, 1)],
        [RefundUnits(1, 1), RefundUnits(1, 1)],
    ],
)
def test_units_that_are_not_there_are_refused(wanted: list[RefundUnits]) -> None:
    with pytest.raises(RefundExceedsPaid):
        rules.due_lines([PaidLine(1, 3, 100, 0)], {}, wanted)


def test_a_finished_refund_never_moves_again() -> None:
    assert REFUND_TRANSITIONS[RefundState.SUCCESS] == REFUND_TRANSITIONS[RefundState.CLOSED] == frozenset()
    assert set(REFUND_TRANSITIONS) == set(RefundState)
    assert all(RefundState.CREATED not in targets for targets in REFUND_TRANSITIONS.values())
