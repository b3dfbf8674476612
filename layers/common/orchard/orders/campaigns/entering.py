"""All campaigns of one order together: who may enter, what they read, what they do to the price, what they claim."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from orchard.catalog.service import SkuSnapshot
from orchard.core.errors import AppError
from orchard.orders.campaigns.campaign import Asked, Campaign, Claim, Entry, Placing, Priceable
from orchard.orders.campaigns.coupon import CouponCampaign
from orchard.orders.campaigns.group_buy import GroupBuyCampaign
from orchard.orders.schemas.placing import Problem
from orchard.pricing.models import StepName
from orchard.pricing.rules import stacking
from orchard.pricing.rules.pipeline import Step
from orchard.pricing.rules.trial import Trial
from orchard.runtime.database import Row, Statement

# In the global lock order (coupon, points, quota): claims are written in this order, stock comes behind them all.
CAMPAIGNS: tuple[Campaign, ...] = (CouponCampaign(), GroupBuyCampaign())
# Somebody else took the last one between our read and our write.
LOST: tuple[type[AppError], ...] = tuple(error for campaign in CAMPAIGNS for error in campaign.lost)

# The trial for one place, given the steps that stand already.
MakeTrial = Callable[[Mapping[StepName, Step], StepName], Trial]


class Entered(NamedTuple):
    """What all campaigns together do to one order."""

    steps: Mapping[StepName, Step]
    problems: Sequence[Problem]
    shown: Mapping[str, Any]
    claims: Sequence[Claim]

    def claim_statements(self, placing: Placing) -> list[Statement]:
        """Their part of the write packet, in lock order."""
        return [statement for claim in self.claims for statement in claim(placing)]


class Plan:
    """The campaigns that may enter one order, known before anything is read."""

    def __init__(self, asked: Asked) -> None:
        """Raises CampaignsExclude, OneLineOnly."""
        named = [campaign.stacking for campaign in CAMPAIGNS if campaign.named(asked.request)]
        closed = stacking.check(named, len(asked.request.lines))
        self._asked = asked
        self._reads = [
            (campaign, campaign.read(asked)) for campaign in CAMPAIGNS if campaign.stacking.step not in closed
        ]

    @property
    def statements(self) -> list[Statement]:
        """What all of them read, for the one read packet."""
        return [statement for _, statements in self._reads for statement in statements]

    def enter(self, rows: Sequence[list[Row]], skus: Mapping[int, SkuSnapshot], make_trial: MakeTrial) -> Entered:
        """Let each decide in the pipeline's order, on what the ones before left; `rows` answer `statements`."""
        steps: dict[StepName, Step] = {}
        entries: dict[str, Entry] = {}
        places = list(StepName)
        for campaign, own in sorted(self._with_rows(rows), key=lambda pair: places.index(pair[0].stacking.step)):
            step = campaign.stacking.step
            entry = campaign.enter(self._asked, Priceable(own, skus, _bound(make_trial, dict(steps), step)))
            entries[campaign.stacking.name] = entry
            if entry.step is not None:
                steps[step] = entry.step
        in_lock_order = [entries[campaign.stacking.name] for campaign, _ in self._reads]
        return Entered(
            steps=steps,
            problems=[problem for entry in entries.values() for problem in entry.problems],
            shown={name: value for entry in entries.values() for name, value in entry.shown.items()},
            claims=[entry.claim for entry in in_lock_order if entry.claim is not None],
        )

    def _with_rows(self, rows: Sequence[list[Row]]) -> Iterator[tuple[Campaign, Sequence[list[Row]]]]:
        start = 0
        for campaign, statements in self._reads:
            yield campaign, rows[start : start + len(statements)]
            start += len(statements)


def _bound(make_trial: MakeTrial, steps: Mapping[StepName, Step], place: StepName) -> Callable[[], Trial]:
    return lambda: make_trial(steps, place)
