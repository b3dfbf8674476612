"""Which location serves a line, and which adjustments are refused before anything is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchard.core.errors import InvalidInput
from orchard.inventory.models import AdjustReason, OutOfStock, StockLine
from orchard.inventory.rules import allocate, check_adjustment


def test_a_line_is_served_whole_by_the_first_able_location() -> None:
    lines = allocate({7: {1: 2, 2: 5}}, [(100, 7, 3), (101, 7, 2)])
    assert lines == [StockLine(100, 7, 3, 2), StockLine(101, 7, 2, 1)]


def test_wants_of_one_sku_are_counted_together() -> None:
    with pytest.raises(OutOfStock) as refused:
        allocate({7: {1: 1}}, [(100, 7, 1), (101, 7, 1)])
    assert refused.value.details == {"lines": [{"sku_id": "7", "available": 1}]}


def test_every_short_sku_is_named_even_one_without_stock() -> None:
    with pytest.raises(OutOfStock) as refused:
        allocate({7: {1: 2}, 8: {1: 9}}, [(100, 9, 1), (101, 7, 3), (102, 8, 1)])
    assert refused.value.details["lines"] == [{"sku_id": "7", "available": 2}, {"sku_id": "9", "available": 0}]


@given(
    stock=st.dictionaries(st.integers(1, 4), st.dictionaries(st.integers(1, 3), st.integers(0, 6), max_size=3)),
    wants=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 5)), min_size=1, max_size=6),
)
def test_what_is_allocated_is_there(stock: dict[int, dict[int, int]], wants: list[tuple[int, int]]) -> None:
    try:
        lines = allocate(stock, [(n, sku, quantity) for n, (sku, quantity) in enumerate(wants)])
    except OutOfStock:
        return
    assert [(line.sku_id, line.quantity) for line in lines] == wants
    for sku_id, locations in stock.items():
        for location_id, free in locations.items():
            taken = sum(x.quantity for x in lines if (x.sku_id, x.location_id) == (sku_id, location_id))
            assert taken <= free


@pytest.mark.parametrize(
    ("change", "reason", "key"),
    [
        (0, AdjustReason.ADJUST, "k"),
        (-1, AdjustReason.RECEIVE, "k"),
        (1, AdjustReason.WRITE_OFF, "k"),
        (2**63, AdjustReason.ADJUST, "k"),
        (1, AdjustReason.ADJUST, ""),
        (1, AdjustReason.ADJUST, "k" * 81),
    ],
)
def test_senseless_adjustments_are_refused(change: int, reason: AdjustReason, key: str) -> None:
    with pytest.raises(InvalidInput):
        check_adjustment(change, reason, key)
