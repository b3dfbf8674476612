"""What the local cloud reads from a SAM template."""

from pathlib import Path

import pytest

from infra.local.bundle import Bundle, Queue, Schedule, Subscription
from infra.local.template import Surroundings, TemplateError, read_template

FIXTURES = Path(__file__).with_name("fixtures")


@pytest.fixture
def bundle() -> Bundle:
    surroundings = Surroundings(
        queue_base="http://127.0.0.1:9", secret=lambda name, key: f"{key} of {name}", stack="fixture"
    )
    return read_template(FIXTURES / "template.yaml", {"SecretId": "shop"}, surroundings)


def test_functions_merge_globals_and_resolve_their_environment(bundle: Bundle) -> None:
    echo = bundle.function("echo")
    assert echo == bundle.function("Echo")
    assert (echo.handler, echo.timeout, echo.memory) == ("app.handler", 5, 256)
    assert (Path(echo.folder), echo.layers) == (FIXTURES / "functions/echo", [str(FIXTURES / "layer")])
    assert echo.environment == {
        "STAGE": "test",
        "SHARED": "from-function",
        "PASSWORD": "password of shop",
        "CHOSEN": "yes",
        "QUEUE_URL": "http://127.0.0.1:9/123456789012/fixture-Work",
        "QUEUE_ARN": "arn:aws:sqs:us-east-1:123456789012:fixture-Work",
        "TOPICS": '{"made": ["http://127.0.0.1:9/123456789012/fixture-Work"], "literal": "${Work}"}',
    }


def test_routes_carry_their_api(bundle: Bundle) -> None:
    assert bundle.apis == ["PublicApi", "HookApi"]
    assert {(route.api, route.key, route.function) for route in bundle.routes} >= {
        ("PublicApi", "ANY /echo", "Echo"),
        ("PublicApi", "GET /echo/{name}", "Echo"),
        ("PublicApi", "POST /plain", "Plain"),
        ("HookApi", "POST /hook", "Echo"),
    }


def test_schedules_queues_and_subscriptions(bundle: Bundle) -> None:
    assert bundle.schedules == [
        Schedule("TickSchedule", "cron(0 3 * * ? *)", "Asia/Shanghai", '{"batch": 5}', True, "Tick"),
        Schedule("TickPaused", "rate(5 minutes)", "UTC", None, False, "Tick"),
    ]
    assert bundle.queues == [
        Queue("Work", "fixture-Work", {"VisibilityTimeout": "3"}, "WorkFailures", 2),
        Queue("WorkFailures", "fixture-WorkFailures", {}),
    ]
    assert bundle.subscriptions == [Subscription("Work", "Consume", 3, 1.0, True, True)]
    assert bundle.hooks == ["Migrate"]


def test_a_bundle_survives_its_file(bundle: Bundle, tmp_path: Path) -> None:
    bundle.save(tmp_path / "bundle.json")
    assert Bundle.load(tmp_path / "bundle.json") == bundle
    assert (tmp_path / "bundle.json").stat().st_mode & 0o077 == 0


def test_conditions_follow_parameters() -> None:
    other = read_template(
        FIXTURES / "template.yaml",
        {"SecretId": "shop", "Stage": "prod"},
        Surroundings(secret=lambda name, key: "x"),
    )
    assert other.function("echo").environment["LEFT_OUT"] == "present"
    assert "Absent" in {queue.name for queue in other.queues}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("!Ref Stage, test", "!Ref Stagee, test"), "Ref Stagee"),
        (("!GetAtt Work.Arn\n            BatchSize", "!GetAtt Wrk.Arn\n            BatchSize"), "GetAtt Wrk.Arn"),
        (("STAGE: !Ref Stage", "STAGE: !Base64 x"), "Fn::Base64"),
        (("SecretId: {Type: String}", "SecretId: [oops"), "not YAML"),
    ],
)
def test_what_cannot_be_resolved_is_named(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    text = (FIXTURES / "template.yaml").read_text()
    assert change[0] in text
    (tmp_path / "template.yaml").write_text(text.replace(*change))
    with pytest.raises(TemplateError, match=message):
        read_template(tmp_path / "template.yaml", {"SecretId": "s"}, Surroundings(secret=lambda name, key: "x"))


def test_missing_and_unknown_parameters_are_named() -> None:
    with pytest.raises(TemplateError, match="SecretId needs a value"):
        read_template(FIXTURES / "template.yaml", {})
    with pytest.raises(TemplateError, match="no parameter Wrong"):
        read_template(FIXTURES / "template.yaml", {"SecretId": "s", "Wrong": "x"})
