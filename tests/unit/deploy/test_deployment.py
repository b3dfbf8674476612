"""A deployment's order: all checks before anything is made, all parameters from where they belong, data kept."""

import json
import subprocess
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from infra.build.tools import command
from infra.deploy import deployment, keys, stacks
from infra.deploy.plan import FOUNDATION, TEMPLATE, Plan
from infra.deploy.problems import DeployError
from infra.local.intrinsics import load_yaml

EMPTY = json.dumps(
    {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {"DatabaseHost": {"Value": "db.example.com"}, "Topic": {"Value": {"Ref": "Topic"}}},
    }
)


def _stack(name: str) -> None:
    boto3.client("cloudformation").create_stack(StackName=name, TemplateBody=EMPTY)


def _foundation() -> dict[str, str]:
    return {name: f"value-of-{name}" for name in load_yaml(FOUNDATION)["Outputs"]}


def test_without_credentials_it_says_how_to_get_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(DeployError, match="aws sso login"):
        deployment.account("us-east-1")


def test_without_a_region_it_asks_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.delenv("AWS_REGION", raising=False)
    with pytest.raises(DeployError, match="no region"):
        deployment.account("")


def test_the_region_is_samconfigs_or_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_REGION", "cn-north-1")
    assert deployment.account("").region == "cn-north-1"
    assert deployment.account("cn-northwest-1").region == "cn-northwest-1"


def test_everything_missing_is_said_before_anything_is_made() -> None:
    from infra.deploy import plan

    with pytest.raises(DeployError) as stopped:
        deployment.deploy(plan.read("staging"), None, print)
    message = str(stopped.value)
    for name in ("WeChatAppId", "WeChatMerchantId", "shop.wechat_app_secret", "wechat-pay.api_v3_key"):
        assert name in message
    assert boto3.client("secretsmanager").list_secrets()["SecretList"] == []
    assert boto3.client("cloudformation").list_stacks()["StackSummaries"] == []


def test_the_bundle_is_told_everything(staging: Plan, given: dict[str, Any]) -> None:
    stored = keys.Keys(boto3.client("secretsmanager"), "staging", given, make_account=True).ensure()
    computed = deployment.shop_parameters("staging", stored, _foundation())
    parameters = staging.shop.parameters(computed)
    assert parameters.keys() == load_yaml(TEMPLATE)["Parameters"].keys()
    # What the tool works out is never the operator's to choose, and the other way round.
    assert computed.keys() & staging.shop.chosen.keys() == set()
    assert parameters["DatabaseTlsCa"] == "value-of-DatabaseTlsCa"
    assert parameters["ShopSecretVersion"] == stored["shop"].version
    assert not any(value in json.dumps(parameters) for value in given["shop"].values())


def test_sam_reads_every_parameter_as_it_was_meant(staging: Plan) -> None:
    computed = {"Environment": "staging", "FunctionsSecretArn": "arn:aws-cn:secretsmanager:cn-north-1:1:secret:a/b-c"}
    parameters = staging.foundation.parameters(computed) | {"SubnetIds": "subnet-1,subnet-2"}
    call = stacks.deploy_command(staging.foundation.config, FOUNDATION, parameters, "cn-north-1")
    overrides = call[call.index("--parameter-overrides") + 1 :]
    script = (
        "import json, sys; from samcli.cli.types import CfnParameterOverridesType as T;"
        " print(json.dumps(T().convert(tuple(sys.argv[1:]), None, None)))"
    )
    python = command("sam").with_name("python")
    answer = subprocess.run([python, "-c", script, *overrides], capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout) == parameters
    assert "" in parameters.values()


def test_outputs_of_a_stack_are_read() -> None:
    client = boto3.client("cloudformation")
    assert stacks.outputs(client, "orchard-staging") is None
    _stack("orchard-staging")
    assert (stacks.outputs(client, "orchard-staging") or {})["DatabaseHost"] == "db.example.com"


def test_a_foundation_is_protected(staging: Plan) -> None:
    client = boto3.client("cloudformation")
    # Moto does not know this call; botocore holds it against the service's own model.
    with Stubber(client) as service:
        expected = {"StackName": staging.foundation.name, "EnableTerminationProtection": True}
        service.add_response("update_termination_protection", {"StackId": "stack"}, expected)
        stacks.protect(client, staging.foundation.name)
        service.assert_no_pending_responses()


def test_destroying_takes_the_bundle_and_leaves_the_data(staging: Plan, given: dict[str, Any]) -> None:
    keys.Keys(boto3.client("secretsmanager"), "staging", given, make_account=True).ensure()
    _stack(staging.shop.name)
    _stack(staging.foundation.name)
    said: list[str] = []
    deployment.destroy(staging, "staging", said.append)
    client = boto3.client("cloudformation")
    assert stacks.outputs(client, staging.shop.name) is None
    assert stacks.outputs(client, staging.foundation.name) is not None
    assert len(boto3.client("secretsmanager").list_secrets()["SecretList"]) == 3
    assert "Kept: orchard-staging-foundation" in said[-1]
    deployment.destroy(staging, "staging", said.append)
    assert "There is no stack orchard-staging" in said


@pytest.mark.parametrize("confirmation", ["", "y", "production", "Staging"])
def test_nothing_is_destroyed_without_the_environments_name(staging: Plan, confirmation: str) -> None:
    _stack(staging.shop.name)
    with pytest.raises(DeployError, match="nothing was deleted"):
        deployment.destroy(staging, confirmation, print)
    assert stacks.outputs(boto3.client("cloudformation"), staging.shop.name) is not None


def test_the_operator_is_told_what_wechat_must_know() -> None:
    outputs = {"MiniProgramUrl": "https://api", "CallbackUrl": "https://pay", "CallbackDomainTarget": "target"}
    text = "\n".join(deployment.instructions(outputs, {"Addresses": "192.0.2.1,192.0.2.2"}))
    for word in ("192.0.2.1,192.0.2.2", "https://api", "https://pay/wechat-pay/", "Callback domain to target"):
        assert word in text
    assert "fixed address of your own network" in "\n".join(deployment.instructions(outputs, {}))


def test_the_command_line_says_what_is_wrong(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from infra.deploy.__main__ import main

    assert main(["deploy", "nowhere"]) == 1
    assert "no environment 'nowhere'" in capsys.readouterr().err
    assert main(["deploy", "staging", "--secrets", str(tmp_path / "absent.toml")]) == 1
    assert "is not a file" in capsys.readouterr().err
    assert main(["destroy", "staging", "--confirm", "stagign"]) == 1
    assert "nothing was deleted" in capsys.readouterr().err
