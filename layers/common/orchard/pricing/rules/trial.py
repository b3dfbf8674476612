"""Trying what a step would do to the whole price, without running what stands before its place again."""

from collections.abc import Mapping
from dataclasses import dataclass

from orchard.pricing.models import StepName
from orchard.pricing.rules import freight, pipeline
from orchard.pricing.rules.pipeline import Draft, Step


@dataclass(frozen=True, slots=True)
class Outcome:
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

    def outcome(self, step: Step | None) -> Outcome:
        """What the whole order comes to with `step` in this place; None leaves it empty."""
        draft = self.draft if step is None else step(self.draft)
        draft = pipeline.run(draft, self._rest)
        payable = sum(line.goods_payable_fen + line.freight_fen for line in draft.lines)
        return Outcome(payable, freight.minimum_gap(draft))
