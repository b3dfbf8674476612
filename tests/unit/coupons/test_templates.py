"""Templates that contradict themselves are refused; every sound one fits the schema's own checks."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from orchard.core import clock
from tests.support.coupons import draft

# The day's beginning: the tests' names are then the same in every process of a run.
NOW = clock.utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
BAD: list[dict[str, Any]] = [
    {"amount_fen": 0},
    {"amount_fen": -1},
    {"amount_fen": 1.5},
    {"percent_off": 10},
    {"cap_fen": 10},
    {"amount_fen": 500, "threshold_fen": 499},
    {"kind": "PERCENT"},
    {"kind": "PERCENT", "percent_off": 100},
    {"kind": "PERCENT", "percent_off": 0},
    {"kind": "PERCENT", "percent_off": 20, "cap_fen": 0},
    {"kind": "PERCENT", "percent_off": 20, "amount_fen": 1},
    {"budget_fen": 499},
    {"budget_fen": 0},
    {"scope_ids": ["1"]},
    {"scope_kind": "CATEGORIES"},
    {"scope_kind": "PRODUCTS", "scope_ids": []},
    {"scope_kind": "PRODUCTS", "scope_ids": [str(n) for n in range(1, 102)]},
    {"quota": 0},
    {"per_member_limit": 0},
    {"per_member_limit": 101},
    {"valid_days": 0},
    {"valid_days": None},
    {"valid_from": NOW, "valid_until": NOW + timedelta(days=9)},
    {"valid_days": None, "valid_from": NOW},
    {"valid_days": None, "valid_from": NOW + timedelta(days=9), "valid_until": NOW + timedelta(days=8)},
    {"valid_days": None, "valid_from": NOW, "valid_until": NOW + timedelta(hours=23)},
    {"claim_until": NOW - timedelta(days=1)},
    {"claim_from": (NOW - timedelta(hours=1)).replace(tzinfo=None)},
    {"name": ""},
    {"name": "x" * 41},
    {"name": "a\u0000b"},
    {"issued": 3},
]


@pytest.mark.parametrize("fields", BAD, ids=str)
def test_contradictions_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        draft(**fields)
