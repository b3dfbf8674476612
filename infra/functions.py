"""The functions as template.yaml declares them, for tools and tests that go through all of them."""

import importlib.util
import re
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from infra.local.intrinsics import load_yaml

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Route:
    """One route: the logical id of its HTTP API, method in capitals, path with `{parameters}`."""

    api: str
    method: str
    path: str


@dataclass(frozen=True)
class DeclaredFunction:
    """One function: its logical id, its folder below functions/, its properties as written."""

    resource: str
    capability: str
    name: str
    properties: dict[str, Any]

    @property
    def key(self) -> str:
        """`orders/place_order`: how folder, event and test are called."""
        return f"{self.capability}/{self.name}"

    @property
    def folder(self) -> Path:
        """Where its app.py is."""
        return ROOT / "functions" / self.capability / self.name

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The properties of its triggers of one type: HttpApi, ScheduleV2 or SQS."""
        triggers = self.properties.get("Events", {}).values()
        return [trigger["Properties"] for trigger in triggers if trigger["Type"] == kind]

    @property
    def routes(self) -> list[Route]:
        """Its HTTP routes; none for jobs and workers."""
        return [Route(event["ApiId"]["Ref"], event["Method"], event["Path"]) for event in self.events("HttpApi")]

    def load(self) -> ModuleType:
        """Import its app.py under a name of its own, since all of them are called app."""
        name = f"functions.{self.capability}.{self.name}.app"
        if name not in sys.modules:
            spec = importlib.util.spec_from_file_location(name, self.folder / "app.py")
            if spec is None or spec.loader is None:
                raise ImportError(name)
            module = importlib.util.module_from_spec(spec)
            sys.modules[name] = module
            try:
                spec.loader.exec_module(module)
            except BaseException:
                del sys.modules[name]
                raise
        return sys.modules[name]


@lru_cache(maxsize=1)
def template() -> dict[str, Any]:
    """template.yaml with CloudFormation's short tags in their long form."""
    return load_yaml(ROOT / "template.yaml")


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """Logical id to properties of all resources of one type."""
    found = template()["Resources"].items()
    return {name: body.get("Properties", {}) for name, body in found if body["Type"] == kind}


@lru_cache(maxsize=1)
def declared() -> tuple[DeclaredFunction, ...]:
    """Every function of the template, in its order."""
    return tuple(_declared(name, body) for name, body in resources("AWS::Serverless::Function").items())


def operation_id(function: DeclaredFunction, method: str) -> str:
    """The function's name, or `<method>_<name>` where one URL's function answers several methods."""
    if len(function.routes) == 1:
        return function.name
    return f"{method.lower()}_{function.name}"


def resource_name(name: str) -> str:
    """`place_order` -> `PlaceOrder`."""
    return re.sub(r"(?:^|_)([a-z])", lambda match: match[1].upper(), name)


def _declared(resource: str, properties: dict[str, Any]) -> DeclaredFunction:
    _, capability, name = properties["CodeUri"].split("/")
    return DeclaredFunction(resource, capability, name, properties)
