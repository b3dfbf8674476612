"""CloudFormation by way of `sam deploy`, and what a stack answers."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from infra.build.tools import ROOT, command, environment
from infra.deploy.problems import DeployError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


def outputs(client: "CloudFormationClient", stack: str) -> dict[str, str] | None:
    """The outputs of a stack; None when there is no such stack."""
    try:
        (found,) = client.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return {item["OutputKey"]: item["OutputValue"] for item in found.get("Outputs", [])}


def protect(client: "CloudFormationClient", stack: str) -> None:
    """Let nobody delete the stack by accident."""
    client.update_termination_protection(StackName=stack, EnableTerminationProtection=True)


def delete(client: "CloudFormationClient", stack: str) -> None:
    """Delete a stack and wait until it is gone: network interfaces of functions take up to half an hour."""
    client.delete_stack(StackName=stack)
    client.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 15, "MaxAttempts": 240})


def deploy_command(config: str, template: Path, parameters: Mapping[str, str], region: str) -> list[str]:
    """`sam deploy` with every parameter written out; quotes let a value be empty."""
    given = [f'{name}="{value}"' for name, value in sorted(parameters.items())]
    options = ["--config-file", str(ROOT / "samconfig.toml"), "--config-env", config, "--region", region]
    options += ["--template-file", str(template), "--no-confirm-changeset", "--no-fail-on-empty-changeset"]
    return [str(command("sam")), "deploy", *options, "--parameter-overrides", *given]


def deploy(config: str, template: Path, parameters: Mapping[str, str], region: str) -> None:
    """Run it. Raises DeployError; CloudFormation has rolled the stack back by then."""
    call = deploy_command(config, template, parameters, region)
    if subprocess.run(call, cwd=ROOT, env=environment(), check=False).returncode != 0:
        raise DeployError(f"sam deploy of {config} failed and was rolled back; its last lines say why")
