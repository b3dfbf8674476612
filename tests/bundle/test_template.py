"""The template: nothing that fails is lost, nobody may do more than their work, and it deploys to any partition."""

import json
import re
from typing import Any

import pytest

from infra.functions import ROOT, DeclaredFunction, declared, resources, template
from orchard.payments.wechat import LONGEST_CALL_SECONDS, NOTING_SECONDS
from orchard.workflows.finish_open_intents import INTENT_SECONDS
from orchard.workflows.pay_order import LONGEST_WAIT_SECONDS

FUNCTIONS = declared()
QUEUES = resources("AWS::SQS::Queue")
ROLES = resources("AWS::IAM::Role")
CONSUMERS = [function for function in FUNCTIONS if function.events("SQS")]
SCHEDULED = [function for function in FUNCTIONS if function.events("ScheduleV2")]
_DEFAULTS = template()["Globals"]["Function"]
_WECHAT_PAY = "ORCHARD_WECHAT_PAY_SECRET_ID"
_PRINCIPALS = {"codedeploy", "lambda", "rds", "scheduler"}


def _timeout(function: DeclaredFunction) -> int:
    return int(function.properties.get("Timeout", _DEFAULTS["Timeout"]))


def _queue_of(reference: Any) -> str:
    name, attribute = reference["Fn::GetAtt"]
    assert attribute == "Arn"
    assert name in QUEUES
    return str(name)


def _key(function: DeclaredFunction) -> str:
    return function.key


def test_runtime_is_the_layers_runtime() -> None:
    assert (_DEFAULTS["Runtime"], _DEFAULTS["Architectures"]) == ("python3.13", ["arm64"])
    for layer in resources("AWS::Serverless::LayerVersion").values():
        assert layer["CompatibleRuntimes"] == [_DEFAULTS["Runtime"]]
        assert layer["CompatibleArchitectures"] == _DEFAULTS["Architectures"]
    assert len(resources("AWS::Serverless::LayerVersion")) == 2


def test_every_function_has_exactly_one_kind_of_trigger() -> None:
    hooks = {
        body["ServiceToken"]["Fn::GetAtt"][0] for body in resources("AWS::CloudFormation::CustomResource").values()
    }
    for function in FUNCTIONS:
        kinds = {trigger["Type"] for trigger in function.properties.get("Events", {}).values()}
        assert len(kinds) == (0 if function.resource in hooks else 1), function.key


def test_schema_is_migrated_before_any_other_function() -> None:
    functions = {
        name: body for name, body in template()["Resources"].items() if body["Type"] == "AWS::Serverless::Function"
    }
    waiting = {name for name, body in functions.items() if body.get("DependsOn") == "DatabaseSchema"}
    assert functions.keys() - waiting == {"MigrateDatabase"}


def test_migration_runs_again_when_the_layer_with_it_changes() -> None:
    schema = resources("AWS::CloudFormation::CustomResource")["DatabaseSchema"]
    assert {"Ref": "CommonLayer"} in schema.values()
    migrate = next(function for function in FUNCTIONS if function.resource == "MigrateDatabase")
    assert int(schema["ServiceTimeout"]) > _timeout(migrate)


@pytest.mark.parametrize("function", CONSUMERS, ids=_key)
def test_queue_outlasts_its_function_and_keeps_what_fails(function: DeclaredFunction) -> None:
    (event,) = function.events("SQS")
    assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    queue = QUEUES[_queue_of(event["Queue"])]
    assert int(queue["VisibilityTimeout"]) >= 6 * _timeout(function)
    assert int(queue["RedrivePolicy"]["maxReceiveCount"]) >= 5
    failures = QUEUES[_queue_of(queue["RedrivePolicy"]["deadLetterTargetArn"])]
    assert int(failures["MessageRetentionPeriod"]) > int(queue["MessageRetentionPeriod"])


def test_every_queue_is_consumed_or_keeps_failures() -> None:
    consumed = {_queue_of(function.events("SQS")[0]["Queue"]) for function in CONSUMERS}
    redrive = {
        _queue_of(body["RedrivePolicy"]["deadLetterTargetArn"]) for body in QUEUES.values() if "RedrivePolicy" in body
    }
    assert consumed | redrive | {"ScheduleFailures", "JobFailures"} == QUEUES.keys()
    assert {name for name, body in QUEUES.items() if "RedrivePolicy" in body} == consumed
    assert all(body["SqsManagedSseEnabled"] is True for body in QUEUES.values())


def test_every_subscription_names_a_consumed_queue() -> None:
    relay = next(function for function in FUNCTIONS if function.name == "relay_outbox")
    text = relay.properties["Environment"]["Variables"]["ORCHARD_SUBSCRIPTIONS"]["Fn::Sub"]
    subscribed = {url[2:-1] for urls in json.loads(text).values() for url in urls}
    assert subscribed == {_queue_of(function.events("SQS")[0]["Queue"]) for function in CONSUMERS}
    statements = _statements(relay.properties["Role"]["Fn::GetAtt"][0])
    assert {name for name, _ in _targets(statements, "sqs:SendMessage")} == subscribed | {"JobFailures"}


@pytest.mark.parametrize("function", SCHEDULED, ids=_key)
def test_schedule_has_a_place_for_what_fails(function: DeclaredFunction) -> None:
    (event,) = function.events("ScheduleV2")
    assert _queue_of(event["DeadLetterConfig"]["Arn"]) == "ScheduleFailures"
    assert event["RetryPolicy"].keys() == {"MaximumEventAgeInSeconds", "MaximumRetryAttempts"}
    # The scheduler starts Lambda asynchronously, so an error inside the function never reaches the scheduler.
    on_failure = function.properties["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]
    failures = _queue_of(on_failure["Destination"])
    role = function.properties["Role"]["Fn::GetAtt"][0]
    assert failures in {name for name, _ in _targets(_statements(role), "sqs:SendMessage")}
    # A name of its own would keep two installations from sharing an account.
    assert event["OmitName"] is True
    assert _timeout(function) <= 60


@pytest.mark.parametrize("function", SCHEDULED, ids=_key)
def test_a_job_has_time_for_its_longest_item_and_more(function: DeclaredFunction) -> None:
    item_seconds = function.load().job.item_seconds
    # Items are begun until `item_seconds` before the end, so a quarter of the time is left to begin them.
    assert item_seconds <= 0.75 * _timeout(function)


def test_a_batch_of_refunds_ends_in_time() -> None:
    worker = next(function for function in CONSUMERS if function.name == "send_refunds")
    assert worker.events("SQS")[0]["BatchSize"] * INTENT_SECONDS <= _timeout(worker)


@pytest.mark.parametrize("function", [function for function in FUNCTIONS if function.routes], ids=_key)
def test_endpoint_answers_within_the_gateways_patience(function: DeclaredFunction) -> None:
    assert _timeout(function) <= 29
    assert function.properties["AutoPublishAlias"] == "live"
    # Without it a new layer would never reach the alias.
    assert function.properties["AutoPublishAliasAllProperties"] is True
    assert "SnapStart" in function.properties


def test_an_endpoint_has_time_for_one_call_to_wechat_pay_at_its_slowest() -> None:
    # What comes before the call, and the answer behind it, take their part.
    needed = {"pay_order": LONGEST_WAIT_SECONDS}
    asking = [function for function in FUNCTIONS if function.routes and _WECHAT_PAY in json.dumps(function.properties)]
    # A payment's notification says all that there is to know: its function makes no call.
    slow = {function.name: function for function in asking if function.name != "pay_notify"}
    assert slow.keys() == {"cancel_order", "confirm_payment", "pay_order", "refund_notify"}
    for name, function in slow.items():
        assert needed.get(name, 0) + LONGEST_CALL_SECONDS + NOTING_SECONDS + 2 <= _timeout(function), name


def test_a_new_layer_publishes_new_versions() -> None:
    assert template()["Globals"]["LayerVersion"]["PublishLambdaVersion"] is True


def test_route_limits_name_existing_routes() -> None:
    routes = {f"{route.method} {route.path}" for function in FUNCTIONS for route in function.routes}
    for api in resources("AWS::Serverless::HttpApi").values():
        assert api["DefaultRouteSettings"].keys() == {"ThrottlingRateLimit", "ThrottlingBurstLimit"}
        assert set(api.get("RouteSettings", {})) <= routes
        assert api["AccessLogSettings"]["DestinationArn"]["Fn::GetAtt"][0] in resources("AWS::Logs::LogGroup")


def test_logs_are_kept_by_audience_and_for_a_time() -> None:
    groups = resources("AWS::Logs::LogGroup")
    assert all("RetentionInDays" in group for group in groups.values())
    for function in FUNCTIONS:
        log = function.properties["LoggingConfig"]["LogGroup"]["Ref"]
        role = function.properties["Role"]["Fn::GetAtt"][0]
        assert {name for name, _ in _targets(_statements(role), "logs:PutLogEvents")} == {log}, function.key


def _statements(role: str) -> list[dict[str, Any]]:
    return [
        statement
        for policy in ROLES[role]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]  # fmt: skip


def _targets(statements: list[dict[str, Any]], action: str) -> list[tuple[str, str]]:
    found = []
    for statement in statements:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        targets = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        if action in actions:
            found += [tuple(target["Fn::GetAtt"]) for target in targets]
    return found


@pytest.mark.parametrize("role", sorted(ROLES))
def test_role_names_actions_and_resources_one_by_one(role: str) -> None:
    for statement in _statements(role):
        assert statement["Effect"] == "Allow"
        assert "*" not in json.dumps(statement["Action"])
        assert not re.search(r'"\*"', json.dumps(statement["Resource"]))


def test_roles_are_profiles_not_one_per_function() -> None:
    used = {function.properties["Role"]["Fn::GetAtt"][0] for function in FUNCTIONS}
    assert used == ROLES.keys() - {"SchedulerRole", "ShiftRole"}
    assert 5 <= len(used) <= 10


def test_pay_keys_are_readable_exactly_where_they_are_named() -> None:
    for function in FUNCTIONS:
        variables = function.properties["Environment"]["Variables"]
        role = json.dumps(_statements(function.properties["Role"]["Fn::GetAtt"][0]))
        named = "ORCHARD_WECHAT_PAY_SECRET_ID" in variables
        assert named == ("${WeChatPaySecretId}" in role), function.key


def test_secrets_are_references_and_never_values() -> None:
    environments = [_DEFAULTS["Environment"], *(function.properties["Environment"] for function in FUNCTIONS)]
    secret = re.compile(r"(_USER|_PASSWORD|SECRET|_KEY)$")
    for environment in environments:
        for name, value in environment["Variables"].items():
            if secret.search(name):
                # The version by name: a changed secret then reaches functions that have not changed otherwise.
                assert re.fullmatch(
                    r"\{\{resolve:secretsmanager:\$\{(Shop|Database)SecretId\}"
                    r":SecretString:\w+::\$\{\1SecretVersion\}\}\}",
                    value["Fn::Sub"],
                ), name
    # A NoEcho parameter would still be typed in, and kept, somewhere outside Secrets Manager.
    assert all("NoEcho" not in parameter for parameter in template()["Parameters"].values())


def test_partition_and_suffix_are_never_literal() -> None:
    for path in [ROOT / "template.yaml", *(ROOT / "infra" / "stacks").glob("*.yaml")]:
        text = path.read_text(encoding="utf-8")
        assert "arn:aws" not in text
        # Service principals are the same word in every partition.
        assert [host for host in re.findall(r"[\w.-]+\.amazonaws\.com(?:\.cn)?", text)
                if host.removesuffix(".amazonaws.com") not in _PRINCIPALS] == []  # fmt: skip
