"""Random walks through the shop, by as many shoppers, promotions, faults and jobs as exist."""

import time

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.campaigns.field import Field
from tests.campaigns.plan import Plan
from tests.campaigns.walk.passing import Passing
from tests.campaigns.walk.paying import Paying
from tests.campaigns.walk.promoting import Promoting
from tests.campaigns.walk.shopping import Shopping

_WALKS, _STEPS = 10, 40


class Walker(Shopping, Promoting, Paying, Passing):
    """Every step there is."""


def _walk(field: Field, number: int) -> None:
    """One round. Failures are not shrunk: what a failed walk leaves in the shop would fail every shorter one too."""

    class Seeded(Walker):
        pass

    Seeded.field = field
    run_state_machine_as_test(
        seed(number)(Seeded),
        settings=settings(
            max_examples=_WALKS, stateful_step_count=_STEPS, deadline=None, database=None, phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck), print_blob=False,
            report_multiple_bugs=False,
        ),
    )  # fmt: skip


def test_a_random_walk_never_surprises_the_model(field: Field, campaign: Plan) -> None:
    """Rounds of ten walks until the time is over; each round has a seed of its own, the first the campaign's."""
    ends = time.monotonic() + campaign.minutes * 60
    number = campaign.seed
    while True:
        print(f"round with seed {number}")
        _walk(field, number)
        number += 1
        if time.monotonic() >= ends:
            return
