"""Which campaigns may stand in one order: each says so about itself, and no rule here knows any of them."""

from collections.abc import Iterable
from typing import NamedTuple

from orchard.core.errors import InvalidInput
from orchard.pricing.models import StepName


class CampaignsExclude(InvalidInput):
    """Two campaigns were named that do not stand together; `excluded` lists those that have to go."""

    code = "campaigns_exclude"
    message = "所选优惠不能同时使用"


class OneLineOnly(InvalidInput):
    """The campaign sells one line per order; `campaign` names it."""

    code = "campaign_one_line"
    message = "活动商品需单独下单"


class Stacking(NamedTuple):
    """How a campaign stands with others: its place in the pipeline, and the places that it keeps empty.

    One campaign per place. `closes` is data: a flash sale that allows coupons differs by one word, and a campaign that
    comes later needs no change anywhere else.
    """

    name: str
    step: StepName
    closes: frozenset[StepName] = frozenset()
    one_line: bool = False


# What an activity price stands for: no member discount, no threshold promotion, no coupon on top (points may be).
ACTIVITY_CLOSES = frozenset({StepName.LINE_DISCOUNT, StepName.THRESHOLD, StepName.COUPON})


def check(named: Iterable[Stacking], line_count: int) -> frozenset[StepName]:
    """The places of the pipeline that the named campaigns keep empty.

    Raises CampaignsExclude when one of them stands in a place that another closes or takes, OneLineOnly.
    """
    campaigns = list(named)
    for campaign in campaigns:
        if campaign.one_line and line_count != 1:
            raise OneLineOnly(campaign=campaign.name)
    excluded = [one.name for one in campaigns if any(_shuts(other, one) for other in campaigns)]
    if excluded:
        raise CampaignsExclude(excluded=sorted(excluded))
    return frozenset(step for campaign in campaigns for step in campaign.closes)


def _shuts(other: Stacking, one: Stacking) -> bool:
    return other is not one and (one.step in other.closes or one.step is other.step)
