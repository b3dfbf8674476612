"""Functions that die at every named point: the caller repeats, the jobs run again, and everything happens once."""

from typing import Any

import pytest

from tests.campaigns.plan import plan
from tests.campaigns.sometimes import sometimes
from tests.support.crash_cases import CASES
from tests.support.crashing import Death
from tests.support.faulty import FaultyCloud
from tests.support.scenario import RunningShop

_COURSES = sorted(set(CASES.values()), key=lambda course: course.__name__)
_SINGLY = [(point, death) for point in sorted(CASES) for death in Death]
_CHOSEN = _SINGLY if plan().full else sorted(plan().dice("crash points").sample(_SINGLY, 6))


def _play(faulty: FaultyCloud, shop: RunningShop, course: Any, points: list[str], death: Death) -> list[str]:
    """One course of business with these points armed; those that it did not come to."""

    def arm() -> None:
        for point in points:
            faulty.crash_points.arm(point, death)

    course(shop, arm)
    missed = faulty.crash_points.armed()
    faulty.crash_points.disarm()
    for point in set(points) - set(missed):
        sometimes(f"crash: {point} {death.value}")
    return missed


@pytest.mark.parametrize("course", _COURSES, ids=lambda course: course.__name__)
def test_a_day_on_which_functions_are_killed_everywhere_ends_well(
    faulty: FaultyCloud, shop: RunningShop, course: Any
) -> None:
    points = [point for point, its_course in CASES.items() if its_course is course]
    # One death may lead around another point; that one gets a day of its own.
    while points:
        missed = _play(faulty, shop, course, points, Death.KILL)
        assert len(missed) < len(points), f"never reached: {missed}"
        points = missed


@pytest.mark.parametrize(("point", "death"), _CHOSEN)
def test_a_function_that_dies_here_leaves_nothing_half_done(
    faulty: FaultyCloud, shop: RunningShop, point: str, death: Death
) -> None:
    assert _play(faulty, shop, CASES[point], [point], death) == [], "the course of business does not come here"
