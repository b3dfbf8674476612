"""The end of a campaign: nothing that should have been reached was missed."""

import os
from pathlib import Path

import pytest

from tests.campaigns import sometimes
from tests.campaigns.excuses import EXCUSES
from tests.campaigns.field import Field


def _expected(field: Field) -> set[str]:
    return (
        field.footprints.expected()
        | sometimes.operations()
        | sometimes.refusals()
        | sometimes.reasons()
        | sometimes.functions_run()
    )


def test_every_excuse_is_for_something_that_exists(whole_field: Field) -> None:
    assert sorted(EXCUSES.keys() - _expected(whole_field)) == []
    assert all(len(reason) > 10 for reason in EXCUSES.values())


def test_every_state_transition_refusal_and_function_was_reached(
    whole_field: Field, request: pytest.FixtureRequest
) -> None:
    ran = {item.path.name for item in request.session.items}
    parts = {path.name for path in Path(__file__).parent.rglob("test_*.py")}
    if ran != parts or "PYTEST_XDIST_WORKER" in os.environ:
        pytest.skip(f"only a part of the campaign ran: without {sorted(parts - ran)}")
    whole_field.note()
    missed = _expected(whole_field) - EXCUSES.keys() - sometimes.seen().keys()
    assert sorted(missed) == []
