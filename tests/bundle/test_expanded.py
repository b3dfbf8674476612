"""What CloudFormation gets once the SAM transform is through."""

import json
from typing import Any

import pytest

from infra.build.expand import expanded
from infra.functions import resources

# CloudFormation takes 500 resources per stack; the rest is room for alarms and canaries.
MOST_RESOURCES = 400


@pytest.fixture(scope="module")
def china() -> dict[str, Any]:
    return expanded("cn-north-1")


def test_resources_leave_room_to_grow(china: dict[str, Any]) -> None:
    assert 100 < len(china["Resources"]) <= MOST_RESOURCES


def test_nothing_generated_names_another_partition(china: dict[str, Any]) -> None:
    assert "arn:aws:" not in json.dumps(china)


def test_api_calls_reach_the_published_version(china: dict[str, Any]) -> None:
    permissions = [r["Properties"] for r in china["Resources"].values() if r["Type"] == "AWS::Lambda::Permission"]
    assert permissions
    assert all(permission["FunctionName"]["Ref"].endswith("Aliaslive") for permission in permissions)


def test_sam_makes_no_roles_of_its_own(china: dict[str, Any]) -> None:
    roles = {name for name, body in china["Resources"].items() if body["Type"] == "AWS::IAM::Role"}
    assert roles == resources("AWS::IAM::Role").keys()
