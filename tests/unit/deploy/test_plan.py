"""samconfig.toml: nothing of WeChat's is committed, and nothing half filled in is deployed."""

import tomllib
from pathlib import Path

import pytest

from infra.build.tools import ROOT
from infra.deploy import plan
from infra.deploy.plan import Plan
from infra.deploy.problems import DeployError
from infra.local.intrinsics import load_yaml

ENVIRONMENTS = ("staging", "production")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_committed_file_is_refused_until_it_is_filled_in(environment: str) -> None:
    problems = plan.read(environment).problems()
    assert [problem.split("=")[0] for problem in problems] == [
        "samconfig.toml: WeChatAppId",
        "samconfig.toml: WeChatMerchantId",
    ]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_filled_in_file_is_taken(environment: str, samconfig: Path) -> None:
    chosen = plan.read(environment, samconfig)
    assert chosen.problems() == []
    assert (chosen.shop.name, chosen.foundation.name) == (
        f"orchard-{environment}",
        f"orchard-{environment}-foundation",
    )


@pytest.mark.parametrize("value", ["wxCHANGEME", "<your app id>", "wx0123"])
def test_placeholders_are_refused(value: str, tmp_path: Path) -> None:
    text = (ROOT / "samconfig.toml").read_text(encoding="utf-8").replace("WeChatAppId=", f"WeChatAppId={value}")
    (tmp_path / "samconfig.toml").write_text(text)
    # A blank would end the value for SAM, so it is not even read.
    if " " in value:
        with pytest.raises(DeployError, match="WeChatAppId holds a blank"):
            plan.read("staging", tmp_path / "samconfig.toml")
    else:
        assert "WeChatAppId" in plan.read("staging", tmp_path / "samconfig.toml").problems()[0]


def test_an_unknown_environment_is_answered_with_those_there_are() -> None:
    with pytest.raises(DeployError, match="production, staging"):
        plan.read("prod")


@pytest.mark.parametrize(
    ("parameter", "message"),
    [("DatabaseHost=db", "worked out"), ("WeChatApId=wx", "no parameter"), ("Environment=x", "worked out")],
)
def test_parameters_that_do_not_belong_there_are_refused(parameter: str, message: str, samconfig: Path) -> None:
    samconfig.write_text(samconfig.read_text().replace("GradualShift=AllAtOnce", parameter))
    with pytest.raises(DeployError, match=message):
        plan.read("staging", samconfig)


def test_a_domain_needs_its_certificate(samconfig: Path) -> None:
    samconfig.write_text(samconfig.read_text().replace("CallbackDomain=", "CallbackDomain=pay.example.com"))
    assert plan.read("production", samconfig).problems() == ["samconfig.toml: CertificateArn for the domain"]


def test_an_existing_network_needs_its_subnets(samconfig: Path) -> None:
    samconfig.write_text(samconfig.read_text().replace("DatabaseMinCapacity=0", "VpcId=vpc-1"))
    assert plan.read("staging", samconfig).problems() == ["samconfig.toml: SubnetIds of the existing network"]


def test_every_parameter_is_written_out(staging: Plan) -> None:
    parameters = staging.foundation.parameters({"Environment": "staging", "FunctionsSecretArn": "arn"})
    declared = load_yaml(plan.FOUNDATION)["Parameters"]
    assert parameters.keys() == declared.keys()
    assert parameters["DatabaseMinCapacity"] == "0"
    assert parameters["VpcCidr"] == declared["VpcCidr"]["Default"]


def test_a_parameter_without_a_value_is_named(staging: Plan) -> None:
    with pytest.raises(DeployError, match="DatabaseHost"):
        staging.shop.parameters({})


def test_sam_reads_the_file(samconfig: Path) -> None:
    document = tomllib.loads(samconfig.read_text())
    for environment in ENVIRONMENTS:
        for config in (environment, f"{environment}-foundation"):
            settings = document[config]["deploy"]["parameters"]
            assert settings["capabilities"] == ["CAPABILITY_IAM"]
            assert settings["resolve_s3"] is True
