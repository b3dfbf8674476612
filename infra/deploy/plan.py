"""What samconfig.toml says about one environment: the parameters of its two stacks."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.build.tools import ROOT
from infra.deploy.problems import DeployError
from infra.local.intrinsics import load_yaml

TEMPLATE = ROOT / "template.yaml"
FOUNDATION = ROOT / "infra" / "stacks" / "foundation.yaml"
# Formats that WeChat gives out; whatever an operator has not filled in fits none of them.
_FORMATS = {"WeChatAppId": r"wx[0-9a-f]{16}", "WeChatMerchantId": r"[0-9]{8,12}"}
# Written by the deployment itself.
_COMPUTED = frozenset(
    {"Environment", "ShopSecretId", "ShopSecretVersion", "DatabaseSecretId", "DatabaseSecretVersion"}
    | {"WeChatPaySecretId", "DatabaseHost", "DatabasePort", "DatabaseName", "DatabaseTlsCa", "DatabaseAdminHost"}
    | {"DatabaseAdminSecretArn", "DatabaseAdminTlsCa", "SubnetIds", "SecurityGroupIds", "FunctionsSecretArn"}
)
_FOUNDATIONS_OWN = frozenset({"DatabaseName", "SubnetIds"})


@dataclass(frozen=True, slots=True)
class StackPlan:
    """One stack: its name, samconfig's name for its settings, its template and what was chosen for it."""

    name: str
    config: str
    template: Path
    chosen: Mapping[str, str]

    def parameters(self, computed: Mapping[str, str]) -> dict[str, str]:
        """Every parameter of the template, so that none keeps the value of an earlier deployment by silence."""
        declared = load_yaml(self.template)["Parameters"]
        defaults = {name: str(body["Default"]) for name, body in declared.items() if "Default" in body}
        values = defaults | dict(self.chosen) | {name: computed[name] for name in computed if name in declared}
        if missing := sorted(declared.keys() - values.keys()):
            raise DeployError(f"{self.name}: no value for {', '.join(missing)}")
        return values


@dataclass(frozen=True, slots=True)
class Plan:
    """One environment. `region` is empty where the credentials' own region is meant."""

    environment: str
    region: str
    foundation: StackPlan
    shop: StackPlan

    @property
    def existing_database(self) -> bool:
        """Whether the environment brings a database of its own."""
        return bool(self.foundation.chosen.get("ExistingDatabaseHost"))

    @property
    def own_administrator(self) -> bool:
        """Whether somebody else than the functions' account changes the schema."""
        return not self.existing_database or bool(self.foundation.chosen.get("ExistingDatabaseAdminSecretArn"))

    def problems(self) -> list[str]:
        """What is missing or still a placeholder, one line each."""
        found = [
            f"samconfig.toml: {name}={self.shop.chosen.get(name, '')} in [{self.shop.config}.deploy.parameters]"
            f" (expected: {form})"
            for name, form in _FORMATS.items()
            if not re.fullmatch(form, self.shop.chosen.get(name, ""))
        ]
        if any(self.shop.chosen.get(f"{name}Domain") for name in ("MiniProgram", "Callback")):
            found += [] if self.shop.chosen.get("CertificateArn") else ["samconfig.toml: CertificateArn for the domain"]
        if self.foundation.chosen.get("VpcId") and not self.foundation.chosen.get("SubnetIds"):
            found.append("samconfig.toml: SubnetIds of the existing network")
        return found


def read(environment: str, path: Path = ROOT / "samconfig.toml") -> Plan:
    """The environment's plan. Raises DeployError for an unknown environment, parameter or an unusable value."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    shop, foundation = _settings(document, environment), _settings(document, f"{environment}-foundation")
    if shop is None or foundation is None:
        known = sorted(name for name in document if f"{name}-foundation" in document)
        raise DeployError(f"samconfig.toml has no environment {environment!r}. It has: {', '.join(known)}")
    return Plan(
        environment,
        str(shop.get("region", "")),
        _stack(foundation, f"{environment}-foundation", FOUNDATION, _COMPUTED - _FOUNDATIONS_OWN),
        _stack(shop, environment, TEMPLATE, _COMPUTED),
    )


def _settings(document: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = document.get(name, {}).get("deploy", {}).get("parameters")
    return found


def _stack(settings: Mapping[str, Any], config: str, template: Path, computed: frozenset[str]) -> StackPlan:
    chosen = dict(str(pair).split("=", 1) for pair in settings.get("parameter_overrides", []) if "=" in str(pair))
    declared = load_yaml(template)["Parameters"]
    for name, value in chosen.items():
        if name not in declared:
            raise DeployError(f"samconfig.toml: {template.name} has no parameter {name}")
        if name in computed:
            raise DeployError(f"samconfig.toml: {name} is worked out by the deployment")
        # SAM's own reading of a value ends at these.
        if re.search(r'[\s"\\]', value):
            raise DeployError(f"samconfig.toml: {name} holds a blank, a quote or a backslash")
    return StackPlan(str(settings["stack_name"]), config, template, {k: v for k, v in chosen.items() if v})
