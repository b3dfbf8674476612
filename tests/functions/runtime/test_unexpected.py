"""Errors that nobody foresaw are counted by version, and nothing else is: a new version is taken back for them."""

import json
from collections.abc import Callable
from typing import Any

import pymysql
import pytest

from orchard.core.errors import Conflict, Unavailable
from orchard.runtime.api import Api
from orchard.runtime.callbacks import Callback
from orchard.runtime.jobs import TimeLeft, each
from orchard.runtime.queues import Worker
from tests.support.calls import Context, http_event

Run = Callable[[Exception], Any]
_CONTEXT = Context("request")


def _api(error: Exception) -> Any:
    api = Api()

    @api.get("/failing")
    def failing() -> None:
        raise error

    return api.handler(http_event("GET", "/failing"), _CONTEXT)


def _callback(error: Exception) -> Any:
    def accept(_connection: Any, _call: Any) -> None:
        raise error

    return Callback(accept).handler(http_event("POST", "/failing"), _CONTEXT)


def _job(error: Exception) -> Any:
    def act(_item: int) -> str:
        raise error

    return each([1], act, TimeLeft(_CONTEXT))


def _worker(error: Exception) -> Any:
    def react(_connection: Any, _event: Any) -> None:
        raise error

    body = json.dumps({"id": 1, "topic": "order.paid", "subject": "1", "payload": {}})
    return Worker("failing", react=react).handler({"Records": [{"messageId": "m", "body": body}]}, _CONTEXT)


each_kind = pytest.mark.parametrize("run", [_api, _callback, _job, _worker])


@pytest.fixture(autouse=True)
def version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "shop-PlaceOrder-1")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_VERSION", "7")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "mini-program")


def _counted(printed: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    return [line for line in lines if "UnexpectedErrors" in line]


@each_kind
def test_a_bug_is_counted_for_its_version(run: Run, capsys: pytest.CaptureFixture[str], db: object) -> None:
    run(RuntimeError("bug"))
    (metric,) = _counted(capsys.readouterr().out)
    assert metric["UnexpectedErrors"] == [1.0]
    (described,) = metric["_aws"]["CloudWatchMetrics"]
    assert described["Namespace"] == "Orchard"
    # Exactly the dimensions that the template's alarms look at.
    assert [set(names) for names in described["Dimensions"]] == [{"function_name", "function_version", "service"}]
    assert (metric["function_name"], metric["function_version"]) == ("shop-PlaceOrder-1", "7")
    assert metric["service"] == "mini-program"


@each_kind
@pytest.mark.parametrize("error", [Conflict(), Unavailable(), pymysql.OperationalError(1213, "Deadlock")])
def test_refusals_and_a_busy_database_are_not(
    run: Run, error: Exception, capsys: pytest.CaptureFixture[str], db: object
) -> None:
    run(error)
    assert _counted(capsys.readouterr().out) == []
