"""Whether a line can be bought: the reason that weighs most is the one that is told."""

from datetime import UTC, datetime

import pytest

from orchard.cart.models import CartRow, InvalidReason
from orchard.cart.rules import sellable_units, why_invalid
from orchard.catalog.models import SkuSnapshot
from tests.support.skus import snapshot


@pytest.mark.parametrize(
    ("sku", "available", "reason"),
    [
        (None, 0, InvalidReason.DELETED),
        (None, 9, InvalidReason.DELETED),
        (snapshot(1, on_sale=False), 0, InvalidReason.OFF_SALE),
        (snapshot(1), 0, InvalidReason.OUT_OF_STOCK),
        (snapshot(1), 2, InvalidReason.TOO_MANY),
        (snapshot(1), 3, None),
    ],
)
def test_the_weightiest_reason_is_told(sku: SkuSnapshot | None, available: int, reason: InvalidReason | None) -> None:
    row = CartRow(1, 1, 1, 3, True, 100, datetime.now(UTC))
    assert why_invalid(row, sku, available) is reason


def test_a_line_gets_at_most_what_the_fullest_location_has() -> None:
    assert sellable_units({7: {1: 2, 2: 5}}, 7) == 5
    assert sellable_units({7: {}}, 7) == sellable_units({}, 7) == 0
