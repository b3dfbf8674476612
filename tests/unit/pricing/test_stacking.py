"""Stacking by declaration: what is named together must stand together, whoever declared it."""

import itertools

import pytest

from orchard.pricing.models import StepName
from orchard.pricing.rules.stacking import ACTIVITY_CLOSES, CampaignsExclude, OneLineOnly, Stacking, check

COUPON = Stacking("coupon", StepName.COUPON)
POINTS = Stacking("points", StepName.POINTS)
GROUP = Stacking("group_buy", StepName.ACTIVITY, ACTIVITY_CLOSES, one_line=True)
FLASH = Stacking("flash_sale", StepName.ACTIVITY, ACTIVITY_CLOSES - {StepName.COUPON}, one_line=True)


def test_an_activity_closes_the_coupons_place() -> None:
    for named in itertools.permutations([GROUP, COUPON, POINTS]):
        with pytest.raises(CampaignsExclude) as refused:
            check(named, 1)
        assert refused.value.details == {"excluded": ["coupon"]}
    assert check([GROUP, POINTS], 1) == ACTIVITY_CLOSES
    assert check([COUPON, POINTS], 7) == frozenset()
    assert check([], 7) == frozenset()


def test_one_that_allows_coupons_differs_by_one_word() -> None:
    assert StepName.COUPON not in check([FLASH, COUPON], 1)


def test_two_campaigns_never_share_a_place() -> None:
    with pytest.raises(CampaignsExclude) as refused:
        check([GROUP, FLASH], 1)
    assert refused.value.details == {"excluded": ["flash_sale", "group_buy"]}


def test_an_activity_has_exactly_one_line() -> None:
    for lines in (0, 2, 100):
        with pytest.raises(OneLineOnly):
            check([GROUP], lines)
