"""Trying what a step would do to the whole price, without running what stands before its place again."""

from collections.abc import Mapping
from typing import NamedTuple

from orchard.pricing.models import StepName
from orchard.pricing.rules import freight, pipeline
from orchard.pricing.rules.pipeline import Draft, Step


class Outcome(NamedTuple):
    """What the shopper would pay in all (fen, freight included), and what would be missing to the local minimum."""

    payable_fen: int
    minimum_gap_fen: int


class Trial:
    """The lines as the steps before `place` left them. `draft` is what a step there would see."""

    def __init__(self, draft: Draft, steps: Mapping[StepName, Step], place: StepName) -> None:
        order = list(StepName)
        behind = order.index(place)
        self.place = place
        self.draft = pipeline.run(draft, {name: step for name, step in steps.items() if order.index(name) < behind})
        self._rest = {name: step for name, step in steps.items() if order.index(name) > behind}
        self._without = pipeline.run(self.draft, self._rest)
        self.without = _outcome(self._without)
        self._margin = freight.discount_margin(self._without) if self._rest.keys() == {StepName.FREIGHT} else 0

    def outcome(self, step: Step, discount_fen: int) -> Outcome:
        """What the whole order comes to with `step`, which takes `discount_fen` off, in this place.

        Runs the rest of the pipeline only where so large a discount could change it.
        """
        if self._margin is None or discount_fen <= self._margin:
            return Outcome(self.without.payable_fen - discount_fen, self.without.minimum_gap_fen)
        return _outcome(pipeline.run(step(self.draft), self._rest))


def _outcome(draft: Draft) -> Outcome:
    payable = sum(line.goods_payable_fen + line.freight_fen for line in draft.lines)
    return Outcome(payable, freight.minimum_gap(draft))
