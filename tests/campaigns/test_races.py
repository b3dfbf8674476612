"""Races over HTTP: every two writers of the same thing, at the same moment, on fresh things each time."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from infra.functions import declared, operation_id
from tests.campaigns.field import Field, at_once
from tests.campaigns.plan import Plan
from tests.campaigns.race.moves import APART, API, MOVES, Move, pairs
from tests.campaigns.race.scene import Scene
from tests.campaigns.sometimes import keyed_operations, sometimes

_ROUNDS_IN_FULL, _BACKLOG = 10, 50


@pytest.fixture(scope="module")
def race_field(whole_field: Field) -> Iterator[Field]:
    """The shop for all races; both books are compared once they are through."""
    yield whole_field
    whole_field.assert_sound()
    whole_field.note()


def _writers() -> set[str]:
    """What the template declares: operations that are no GET, callbacks, jobs and workers."""
    found = set()
    for function in declared():
        found |= {operation_id(function, route.method) for route in function.routes if route.method != "GET"}
        if not function.routes:
            found.add(function.name)
    return found


def test_every_writer_has_its_place_in_the_races() -> None:
    assert _writers() - {move.name for move in MOVES} == APART.keys()
    assert {move.name for move in MOVES} <= _writers()


def _race(field: Field, first: Move, second: Move) -> None:
    scene = Scene(field)
    first.ready(scene)
    second.ready(scene)
    answers = at_once(*[lambda move=move: move.go(scene, None) for move in (first, second, first, second)])
    for status, answer in answers:
        assert status < 500 or status in {502, 503}, (str(first), str(second), status, answer)
    for name in (first, second):
        sometimes(f"raced: {name}")
    field.check()


@pytest.mark.parametrize(("first", "second"), pairs(), ids=str)
def test_two_writers_of_one_thing_end_as_if_one_came_after_the_other(
    race_field: Field, campaign: Plan, first: Move, second: Move
) -> None:
    for _ in range(_ROUNDS_IN_FULL if campaign.full else 1):
        _race(race_field, first, second)
    # Queues that grow long grow slow.
    if race_field.one("SELECT COUNT(*) FROM outbox WHERE published_at IS NULL") > _BACKLOG:
        race_field.relay()


@pytest.mark.parametrize("move", [move for move in API if move.name in keyed_operations()], ids=str)
def test_a_double_tap_with_one_key_has_one_effect_and_one_answer(race_field: Field, move: Move) -> None:
    scene = Scene(race_field)
    move.ready(scene)
    key = f"tap-{scene.shopper.openid}"
    answers = at_once(*[lambda: move.go(scene, key)] * 6)
    taken = [(status, answer) for status, answer in answers if status < 400]
    assert taken, answers
    assert len({json.dumps(one, sort_keys=True) for one in taken}) == 1
    rest: list[Any] = [answer for status, answer in answers if status >= 400]
    assert {answer["code"] for answer in rest} <= {"unavailable"}, rest
    (count,) = race_field.rows("SELECT COUNT(*) AS n FROM idempotency WHERE idempotency_key = %s", key)[0].values()
    assert count == 1
    race_field.check()
