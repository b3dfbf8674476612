"""What CloudFormation gets once the SAM transform is through."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.build.check_template import templates
from infra.build.expand import expanded
from infra.functions import resources

# CloudFormation takes 500 resources per stack; the rest is room for alarms and canaries.
MOST_RESOURCES = 400
# API Gateway's quota for routes of one HTTP API; CloudFormation's for a template in S3, in bytes.
MOST_ROUTES = 300
LARGEST_TEMPLATE = 1_000_000


@pytest.fixture(scope="module")
def china() -> dict[str, Any]:
    return expanded("cn-north-1")


def test_resources_leave_room_to_grow(china: dict[str, Any]) -> None:
    assert 100 < len(china["Resources"]) <= MOST_RESOURCES


@pytest.mark.parametrize("path", templates(), ids=lambda path: path.stem)
def test_each_stack_stays_within_the_quotas(path: Path) -> None:
    stack = expanded("cn-north-1", path)
    assert len(stack["Resources"]) <= MOST_RESOURCES
    assert len(json.dumps(stack)) < LARGEST_TEMPLATE


def test_each_api_stays_within_its_routes(china: dict[str, Any]) -> None:
    apis = [body["Properties"]["Body"] for body in _of(china, "AWS::ApiGatewayV2::Api").values()]
    assert apis
    assert all(0 < sum(len(methods) for methods in api["paths"].values()) <= MOST_ROUTES for api in apis)


def test_no_statement_allows_everything(china: dict[str, Any]) -> None:
    documents = [*_of(china, "AWS::IAM::Role").values(), *_of(china, "AWS::IAM::ManagedPolicy").values()]
    statements = [statement for body in documents for statement in _statements(body["Properties"])]
    assert len(statements) > 10
    for statement in statements:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        if statement["Effect"] == "Allow":
            assert not any("*" in action for action in actions), statement
            assert not any(statement.keys() & {"NotAction", "NotResource", "NotPrincipal"}), statement


def _statements(policy: dict[str, Any]) -> list[dict[str, Any]]:
    """Of a role or a managed policy; not who may assume the role."""
    documents = [one["PolicyDocument"] for one in policy.get("Policies", [])]
    documents += [policy["PolicyDocument"]] if "PolicyDocument" in policy else []
    return [statement for document in documents for statement in document["Statement"]]


def test_nobody_outside_is_let_in(china: dict[str, Any]) -> None:
    for name, body in china["Resources"].items():
        text = json.dumps(body)
        assert '"Principal": "*"' not in text, name
        assert '"AWS": "*"' not in text, name
    kinds = {body["Type"] for body in china["Resources"].values()}
    # A function's own address would stand beside the API, its limits and its log.
    assert not kinds & {"AWS::Lambda::Url", "AWS::Lambda::LayerVersionPermission", "AWS::SNS::TopicPolicy"}
    invokers = [body["Properties"]["Principal"] for body in _of(china, "AWS::Lambda::Permission").values()]
    assert set(invokers) == {"apigateway.amazonaws.com"}


def test_roles_are_assumed_by_services_alone(china: dict[str, Any]) -> None:
    for role in _of(china, "AWS::IAM::Role").values():
        for statement in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]:
            assert statement["Principal"].keys() == {"Service"}


def test_queues_are_encrypted_and_logs_end(china: dict[str, Any]) -> None:
    queues, logs = _of(china, "AWS::SQS::Queue"), _of(china, "AWS::Logs::LogGroup")
    assert queues
    assert logs
    assert all(queue["Properties"]["SqsManagedSseEnabled"] is True for queue in queues.values())
    assert all("RetentionInDays" in group["Properties"] for group in logs.values())


def _of(stack: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {name: body for name, body in stack["Resources"].items() if body["Type"] == kind}


def test_nothing_generated_names_another_partition(china: dict[str, Any]) -> None:
    assert "arn:aws:" not in json.dumps(china)


def test_api_calls_reach_the_published_version(china: dict[str, Any]) -> None:
    permissions = [r["Properties"] for r in china["Resources"].values() if r["Type"] == "AWS::Lambda::Permission"]
    assert permissions
    assert all(permission["FunctionName"]["Ref"].endswith("Aliaslive") for permission in permissions)


def test_sam_makes_no_roles_of_its_own(china: dict[str, Any]) -> None:
    roles = {name for name, body in china["Resources"].items() if body["Type"] == "AWS::IAM::Role"}
    assert roles == resources("AWS::IAM::Role").keys()
