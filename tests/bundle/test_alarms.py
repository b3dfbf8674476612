"""Alarms: each one has its page, watches what is really there, and together they cover every function and queue."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from infra.functions import ROOT, declared, resources
from infra.local.intrinsics import Resolver, load_yaml
from orchard.runtime.database import Connection

STACK = load_yaml(ROOT / "infra" / "stacks" / "alarms.yaml")
RUNBOOKS = ROOT / "docs" / "runbooks"
NAMESPACE = "Orchard/staging"
# What the platform's own services report, as far as it is named here.
PLATFORM = {
    ("AWS/Lambda", "Errors"): {"FunctionName"},
    ("AWS/Lambda", "Throttles"): set(),
    ("AWS/Lambda", "ConcurrentExecutions"): set(),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible"): {"QueueName"},
    ("AWS/ApiGateway", "Count"): {"ApiId"},
    ("AWS/ApiGateway", "4xx"): {"ApiId"},
    ("AWS/ApiGateway", "5xx"): {"ApiId"},
    ("AWS/ApiGateway", "Latency"): {"ApiId"},
}
Metric = tuple[str, str, frozenset[tuple[str, str]]]


def _resolved() -> dict[str, dict[str, Any]]:
    plain = {name: f"<{name}>" for name, body in STACK["Parameters"].items() if "Default" not in body}
    found = STACK["Resources"]
    resolver = Resolver(
        STACK,
        {**plain, "Environment": "staging"},
        pseudo={"AWS::Region": "cn-north-1"},
        ref=lambda name: name if name in found else None,
        get_att=lambda name, attribute: f"{name}.{attribute}" if name in found else None,
        secret=lambda *_: "",
    )
    return {name: resolver.resolve(body) for name, body in found.items()}


RESOLVED = _resolved()
ALARMS = {name: body["Properties"] for name, body in RESOLVED.items() if body["Type"] == "AWS::CloudWatch::Alarm"}
DASHBOARD = json.loads(RESOLVED["Dashboard"]["Properties"]["DashboardBody"])
each_alarm = pytest.mark.parametrize("name", sorted(ALARMS))


def _metric(body: dict[str, Any]) -> Metric:
    dimensions = frozenset((one["Name"], one["Value"]) for one in body.get("Dimensions", []))
    return body["Namespace"], body["MetricName"], dimensions


def _watched(alarm: dict[str, Any]) -> list[Metric]:
    if "Metrics" not in alarm:
        return [_metric(alarm)]
    return [_metric(part["MetricStat"]["Metric"]) for part in alarm["Metrics"] if "MetricStat" in part]


def _drawn() -> Iterator[Metric]:
    for widget in DASHBOARD["widgets"]:
        for row in widget["properties"].get("metrics", []):
            namespace, name, *pairs = [part for part in row if isinstance(part, str)]
            yield namespace, name, frozenset(zip(pairs[::2], pairs[1::2], strict=True))


def _page(alarm: dict[str, Any]) -> str:
    found = re.fullmatch(r"(?:PAGE|TICKET): .+\. Runbook: docs/runbooks/([a-z-]+)\.md", alarm["AlarmDescription"])
    assert found, alarm["AlarmDescription"]
    return found[1]


@each_alarm
def test_alarm_says_how_urgent_it_is_and_which_page_helps(name: str) -> None:
    alarm = ALARMS[name]
    text = (RUNBOOKS / f"{_page(alarm)}.md").read_text(encoding="utf-8")
    # The page speaks of this alarm, at the threshold that it has.
    assert f"`{name}`" in text
    assert re.search(rf"(?<![\d.]){alarm['Threshold']}(?!\d)", text), "the page does not name the threshold"
    topic = "Pages" if alarm["AlarmDescription"].startswith("PAGE") else "Tickets"
    assert alarm["AlarmActions"] == alarm["OKActions"] == [topic]


def test_every_page_belongs_to_an_alarm() -> None:
    pages = {path.stem for path in RUNBOOKS.glob("*.md")} - {"README"}
    assert pages == {_page(alarm) for alarm in ALARMS.values()}
    index = (RUNBOOKS / "README.md").read_text(encoding="utf-8")
    assert all(f"({page}.md)" in index for page in pages)


@each_alarm
def test_missing_data_is_decided(name: str) -> None:
    alarm = ALARMS[name]
    own = any(metric[0] == NAMESPACE for metric in _watched(alarm))
    if alarm.get("Statistic") == "SampleCount":
        expected = "breaching"
    else:
        # Our gauges come every minute: silence is no healing. The platform's metrics are absent when nothing happens.
        expected = "ignore" if own and "Metrics" not in alarm else "notBreaching"
    assert alarm["TreatMissingData"] == expected
    assert alarm["DatapointsToAlarm"] <= alarm["EvaluationPeriods"]


def test_every_function_is_covered_by_one_alarm_on_errors() -> None:
    covered: Counter[str] = Counter()
    for alarm in ALARMS.values():
        functions = [dict(metric[2])["FunctionName"] for metric in _watched(alarm) if metric[1] == "Errors"]
        # CloudWatch's limit for one alarm.
        assert len(functions) <= 10
        covered.update(functions)
    assert covered == Counter(f"<{function.resource}>" for function in declared())


def test_every_queue_that_keeps_failures_has_its_alarm() -> None:
    queues = resources("AWS::SQS::Queue")
    keeping = {body["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0] for body in queues.values()
               if "RedrivePolicy" in body} | {"ScheduleFailures", "JobFailures"}  # fmt: skip
    watched = [dict(metric[2])["QueueName"] for alarm in ALARMS.values() for metric in _watched(alarm)
               if metric[0] == "AWS/SQS"]  # fmt: skip
    assert sorted(watched) == sorted(f"<{queue}>" for queue in keeping)


def test_the_main_template_hands_over_every_name_as_what_it_is() -> None:
    given = resources("AWS::CloudFormation::Stack")["Alarms"]["Parameters"]
    assert given.keys() == STACK["Parameters"].keys()
    for name, value in given.items():
        is_queue = name in resources("AWS::SQS::Queue")
        assert value == ({"Fn::GetAtt": [name, "QueueName"]} if is_queue else {"Ref": name})


def test_the_dashboard_shows_every_alarm_and_fits() -> None:
    (first, *others) = DASHBOARD["widgets"]
    assert sorted(first["properties"]["alarms"]) == sorted(f"{name}.Arn" for name in ALARMS)
    assert {widget["type"] for widget in others} == {"metric"}
    assert all(widget["properties"]["region"] == "cn-north-1" for widget in others)
    # The grid is 24 wide, and no two widgets share a place.
    places = [(widget["x"] + x, widget["y"] + y) for widget in DASHBOARD["widgets"]
              for x in range(widget["width"]) for y in range(widget["height"])]  # fmt: skip
    assert len(set(places)) == len(places)
    assert max(x for x, _ in places) < 24


def test_metrics_of_the_platform_exist() -> None:
    named = {metric for alarm in ALARMS.values() for metric in _watched(alarm)} | set(_drawn())
    foreign = [metric for metric in named if metric[0] != NAMESPACE]
    assert len(foreign) > 40
    for namespace, name, dimensions in foreign:
        assert PLATFORM[namespace, name] == {key for key, _ in dimensions}


_RUN = """
import json, os, sys
from infra.functions import declared
from tests.support.calls import Context
for function in declared():
    if function.name in sys.argv[1:]:
        function.load().handler({}, Context("request"))
"""


def _emitted(operations: set[str]) -> set[Metric]:
    """Run the jobs as their own environment has it, and read their metrics as CloudWatch does."""
    services = {function.properties["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
                for function in declared() if function.name in operations}  # fmt: skip
    assert services == {"jobs"}
    environment = {**os.environ, "POWERTOOLS_SERVICE_NAME": "jobs", "POWERTOOLS_METRICS_NAMESPACE": NAMESPACE,
                   "ORCHARD_SUBSCRIPTIONS": "{}", "PYTHONPATH": f"{ROOT}/layers/common:{ROOT}"}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *sorted(operations)], env=environment, cwd=ROOT, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    found: set[Metric] = set()
    for line in done.stdout.splitlines():
        written = json.loads(line) if '"_aws"' in line else {"_aws": {"CloudWatchMetrics": []}}
        for directive in written["_aws"]["CloudWatchMetrics"]:
            for names in directive["Dimensions"]:
                dimensions = frozenset((name, written[name]) for name in names)
                found |= {(directive["Namespace"], metric["Name"], dimensions) for metric in directive["Metrics"]}
    return found


def test_every_metric_of_ours_is_really_emitted(db: Connection) -> None:
    named = {metric for alarm in ALARMS.values() for metric in _watched(alarm)} | set(_drawn())
    ours = {metric for metric in named if metric[0] == NAMESPACE}
    filters = [body["Properties"] for body in RESOLVED.values() if body["Type"] == "AWS::Logs::MetricFilter"]
    filtered = {(one["MetricNamespace"], one["MetricName"], frozenset[tuple[str, str]]())
                for body in filters for one in body["MetricTransformations"]}  # fmt: skip
    assert len(ours - filtered) > 15
    operations = {dict(dimensions)["operation"] for _, _, dimensions in ours - filtered}
    assert ours - filtered - _emitted(operations) == set()


def test_refusals_for_rate_are_found_in_the_access_log() -> None:
    pattern = RESOLVED["ThrottledRequests"]["Properties"]["FilterPattern"]
    field, value = re.fullmatch(r'\{ \$\.(\w+) = "(\d+)" \}', pattern).groups()  # type: ignore[union-attr]  # or fail
    line = resources("AWS::Serverless::HttpApi")["MiniProgramApi"]["AccessLogSettings"]["Format"]
    assert json.loads(re.sub(r"\$context\.status\b", value, line))[field] == value == "429"
