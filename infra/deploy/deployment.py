"""One deployment from the first check to the last: every step may be repeated, nothing is made before all is known."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.build import bundle
from infra.build.tools import ROOT
from infra.deploy import authorities, keys, smoke, stacks
from infra.deploy.plan import Plan
from infra.deploy.problems import DeployError, stop_if_any

Say = Callable[[str], None]
BUILT = ROOT / ".aws-sam" / "build" / "template.yaml"


@dataclass(frozen=True, slots=True)
class Account:
    """Whose credentials these are, and where they work."""

    number: str
    region: str
    session: boto3.Session


def account(region: str) -> Account:
    """Ask AWS who we are. Raises DeployError when there are no credentials, or none that are accepted."""
    # boto3 itself reads AWS_DEFAULT_REGION only; SAM and the AWS CLI read both.
    session = boto3.Session(region_name=region or os.environ.get("AWS_REGION"))
    if not session.region_name:
        raise DeployError("no region: name it in samconfig.toml ([ENV.deploy.parameters] region) or in AWS_REGION")
    try:
        identity = session.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise DeployError(
            f"no AWS credentials that work ({type(error).__name__}): `aws configure`, `aws sso login`, or AWS_PROFILE"
        ) from None
    return Account(identity["Account"], session.region_name, session)


def deploy(plan: Plan, secrets_file: Path | None, say: Say) -> None:
    """Everything. Raises DeployError; what was done until then stays, and the next run goes on from there."""
    given = keys.read_file(secrets_file)
    at = account(plan.region)
    say(f"Deploying {plan.environment} to account {at.number}, {at.region}")
    wanted = keys.Keys(
        at.session.client("secretsmanager"), plan.environment, given, make_account=plan.own_administrator
    )
    stop_if_any(plan.problems() + wanted.problems())
    if not plan.existing_database and authorities.ensure(at.region):
        say(f"Fetched the certificate authorities of RDS in {at.region}; commit them")
    stored = wanted.ensure()
    say("Secrets: " + ", ".join(secret.name for secret in stored.values()))
    bundle.build([])
    foundation = _foundation(plan, at, stored, say)
    outputs = _shop(plan, at, stored, foundation)
    say("\n".join(instructions(outputs, foundation)))
    stop_if_any(smoke.problems(outputs["MiniProgramUrl"], outputs["CallbackUrl"]))
    say("The shop answers.")


def _foundation(plan: Plan, at: Account, stored: Mapping[str, keys.Stored], say: Say) -> dict[str, str]:
    stack = plan.foundation
    computed = {"Environment": plan.environment, "FunctionsSecretArn": stored["database"].arn}
    stacks.deploy(stack.config, stack.template, stack.parameters(computed), at.region)
    client = at.session.client("cloudformation")
    stacks.protect(client, stack.name)
    say(f"{stack.name} stands, protected against deletion")
    return stacks.outputs(client, stack.name) or {}


def _shop(plan: Plan, at: Account, stored: Mapping[str, keys.Stored], foundation: Mapping[str, str]) -> dict[str, str]:
    computed = shop_parameters(plan.environment, stored, foundation)
    stacks.deploy(plan.shop.config, BUILT, plan.shop.parameters(computed), at.region)
    return stacks.outputs(at.session.client("cloudformation"), plan.shop.name) or {}


def shop_parameters(
    environment: str, stored: Mapping[str, keys.Stored], foundation: Mapping[str, str]
) -> dict[str, str]:
    """What the bundle's template is told by this tool: the foundation's outputs, the secrets by name and version."""
    return {
        **{name: value for name, value in foundation.items() if name != "Addresses"},
        "Environment": environment,
        "DatabaseSecretId": stored["database"].name,
        "DatabaseSecretVersion": stored["database"].version,
        "ShopSecretId": stored["shop"].name,
        "ShopSecretVersion": stored["shop"].version,
        "WeChatPaySecretId": stored["wechat-pay"].name,
    }


def instructions(outputs: Mapping[str, str], foundation: Mapping[str, str]) -> list[str]:
    """What only the operator can do, at WeChat and at the domain's registrar."""
    addresses = foundation.get("Addresses") or "the fixed address of your own network"
    lines = [
        "At WeChat, once:",
        f"  mini-program console, IP allow-list: {addresses}",
        f"  mini-program console, request domain: {outputs['MiniProgramUrl']}",
        f"  WeChat Pay merchant console, IP allow-list where you use one: {addresses}",
        f"  (WeChat Pay is told by each order where to report: {outputs['CallbackUrl']}/wechat-pay/...)",
    ]
    domains = {name: outputs.get(f"{name}DomainTarget") for name in ("MiniProgram", "Callback")}
    return lines + [
        f"  DNS, unless a hosted zone was named: a CNAME of the {name} domain to {target}"
        for name, target in domains.items()
        if target
    ]


def destroy(plan: Plan, confirmation: str, say: Say) -> None:
    """Delete the bundle's stack alone. Raises DeployError unless the environment's name was typed."""
    if confirmation != plan.environment:
        raise DeployError(f"nothing was deleted: {confirmation!r} is not {plan.environment!r}")
    at = account(plan.region)
    client = at.session.client("cloudformation")
    if stacks.outputs(client, plan.shop.name) is None:
        say(f"There is no stack {plan.shop.name}")
    else:
        say(f"Deleting {plan.shop.name} (network interfaces of functions take up to half an hour) ...")
        stacks.delete(client, plan.shop.name)
    say("\n".join(remains(plan)))


def remains(plan: Plan) -> list[str]:
    """What a destruction keeps, and how it would be deleted by hand."""
    secrets = ", ".join(f"orchard/{plan.environment}/{name}" for name in keys.WANTED)
    return [
        f"Kept: {plan.foundation.name} with the database and the fixed addresses; the secrets {secrets}.",
        "A later `make deploy` stands on them again. To delete them by hand, for good:",
        "  1. take a snapshot you trust; switch off the cluster's deletion protection; delete the cluster",
        f"  2. switch off the termination protection of {plan.foundation.name}; delete it, then its nested stacks",
        "  3. release the elastic addresses; delete the secrets. Without personal_data_key every stored phone number,",
        "     name and address is lost, in snapshots too.",
    ]
