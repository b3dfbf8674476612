"""Every function as it deploys: run from its build under AWS's own runtime client, with MariaDB, AWS and WeChat."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from infra.build.expand import expanded
from infra.build.permissions import allowed, used_by_lambda
from infra.functions import ROOT, DeclaredFunction, declared, template
from tests.support.built import Evidence, Run, used_shop
from tests.support.roles import Role, roles

FUNCTIONS = declared()
# Refusals that speak of the event's form or of who sent it: a sample event gives no reason for them.
_FORM = {"invalid_input", "unauthenticated", "forbidden"}
each_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.key)


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evidence]:
    with used_shop(tmp_path_factory.mktemp("built")) as found:
        yield found


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    return found


def _answer(run: Run) -> Any:
    assert run.cold.error_type is None, run.cold.payload
    return json.loads(run.cold.payload)


@each_function
def test_function_answers_its_sample_event(
    function: DeclaredFunction, evidence: Evidence, document: dict[str, Any]
) -> None:
    answer = _answer(evidence.runs[function.key])
    if function.routes:
        _assert_http(function, evidence.runs[function.key].event, answer, document)
    elif function.events("SQS"):
        assert answer == {"batchItemFailures": []}
    elif function.events("ScheduleV2"):
        assert isinstance(answer, dict)
        assert all(isinstance(number, int) for number in answer.values())
    else:
        assert isinstance(answer, dict)
        assert evidence.told
        assert set(evidence.told) == {"SUCCESS"}


def _assert_http(function: DeclaredFunction, event: dict[str, Any], answer: dict[str, Any], document: Any) -> None:
    status, headers = answer["statusCode"], {name.lower(): value for name, value in answer["headers"].items()}
    if function.routes[0].api != "MiniProgramApi":
        assert 200 <= status < 300, answer
    elif status >= 400:
        assert status < 500, answer
        assert headers["content-type"] == "application/problem+json"
        assert json.loads(answer["body"])["code"] not in _FORM, answer
    else:
        method, path = event["routeKey"].split(" ")
        described = document["paths"][path][method.lower()]["responses"][str(status)]
        schema = described.get("content", {}).get("application/json", {}).get("schema")
        body = json.loads(answer["body"]) if answer.get("body") else None
        if schema:
            validator = Draft202012Validator({**schema, "components": document["components"]})
            assert [error.message for error in validator.iter_errors(body)] == []


def test_sample_events_mostly_succeed(evidence: Evidence) -> None:
    statuses = {f.key: _answer(evidence.runs[f.key])["statusCode"] for f in FUNCTIONS if f.routes}
    refused = {key: status for key, status in statuses.items() if status >= 300}
    assert len(refused) * 10 <= len(statuses), refused


@each_function
def test_a_warm_function_answers_again(function: DeclaredFunction, evidence: Evidence) -> None:
    run = evidence.runs[function.key]
    assert run.warm.error_type is None, run.warm.payload
    again = json.loads(run.warm.payload)
    assert isinstance(again, dict)
    # A job counts what it did, so that its second run counts less.
    if function.routes:
        assert again.keys() == _answer(run).keys()
        assert again["statusCode"] < 500
        if "idempotency-key" in run.event["headers"] or run.event["routeKey"].startswith("GET "):
            assert (again["statusCode"], again["body"]) == (_answer(run)["statusCode"], _answer(run)["body"])


@each_function
def test_initialisation_touches_nothing_outside(function: DeclaredFunction, evidence: Evidence) -> None:
    run = evidence.runs[function.key]
    source = str(ROOT / ".aws-sam" / "build" / function.resource / "app.py")
    # Its own few lines are all that is compiled: the layers bring their bytecode.
    assert [(seen.kind, seen.what) for seen in run.initialising if seen.kind != "module"] == [("compile", source)]


@each_function
def test_everything_imported_was_built(function: DeclaredFunction, evidence: Evidence) -> None:
    artefacts, run = evidence.artefacts, evidence.runs[function.key]
    library = artefacts.python.resolve().parents[1] / "lib" / f"python{artefacts.runtime}"
    own = ROOT / ".aws-sam" / "build" / function.resource
    roots = (*artefacts.search_path, own)
    files = {Path(seen.what) for seen in run.observations if seen.kind == "module" and not seen.what.startswith("<")}
    assert own / "app.py" in files
    strangers = {path for path in files if not any(path.is_relative_to(root) for root in roots)}
    assert {path for path in strangers if not path.is_relative_to(library) or "site-packages" in path.parts} == set()


@each_function
def test_only_the_scratch_folder_is_written(function: DeclaredFunction, evidence: Evidence) -> None:
    observed = evidence.runs[function.key].observations
    written = [seen.what for seen in observed if seen.kind == "write" and not seen.what.startswith("/tmp/")]  # noqa: S108  # Lambda's
    assert written == []
    assert [seen.what for seen in observed if seen.kind == "process"] == []
    assert {seen.what for seen in observed if seen.kind == "compile"} == {
        str(ROOT / ".aws-sam" / "build" / function.resource / "app.py")
    }


@pytest.fixture(scope="module")
def held(evidence: Evidence) -> dict[str, Role]:
    """Every role of the expanded template; its references resolved as for the shop that made the calls."""
    return roles(expanded(), evidence.resolver)


def test_every_aws_call_is_allowed_to_its_function(evidence: Evidence, held: dict[str, Role]) -> None:
    role_of = {f"ASIA{function}": role for role in held.values() for function in role.functions}
    assert {call.action for call in evidence.calls if call.key in role_of} >= {
        "sqs:SendMessage",
        "secretsmanager:GetSecretValue",
    }
    refused = [call for call in evidence.calls if call.key in role_of and not allowed(call, role_of[call.key].grants)]
    assert sorted(refused) == []


def test_every_grant_is_used(evidence: Evidence, held: dict[str, Role]) -> None:
    idle = []
    for role in held.values():
        keys = {f"ASIA{function}" for function in role.functions}
        called = [(call.action, call.resource) for call in evidence.calls if call.key in keys]
        for grant in role.grants:
            used = used_by_lambda(grant, role.consumed, role.destinations) or any(grant.covers(*one) for one in called)
            if role.functions and grant.effect == "Allow" and not used:
                idle.append(f"{role.name}: {grant.action} {grant.resource}")
    assert sorted(idle) == []


def test_the_scheduler_may_do_exactly_what_its_schedules_need(held: dict[str, Role]) -> None:
    scheduling = [role for role in held.values() if role.scheduled]
    assert scheduling
    for role in scheduling:
        assert {(grant.action, grant.resource) for grant in role.grants} == role.scheduled


@each_function
def test_memory_leaves_room(function: DeclaredFunction, evidence: Evidence) -> None:
    size = function.properties.get("MemorySize", template()["Globals"]["Function"]["MemorySize"])
    assert 10 < evidence.runs[function.key].peak_memory_mb < size / 2
