"""Reads a SAM template into a `Bundle`. The local cloud knows the shop's routes, jobs and queues only from here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.local.bundle import Bundle, Function, Queue, Route, Schedule, Subscription
from infra.local.intrinsics import Resolver, TemplateError, load_yaml

__all__ = ["Surroundings", "TemplateError", "api_names", "read_template", "resolver"]

_IMPLICIT_API = "ServerlessHttpApi"
_QUEUE_ATTRIBUTES = (
    "VisibilityTimeout",
    "MessageRetentionPeriod",
    "DelaySeconds",
    "ReceiveMessageWaitTimeSeconds",
    "FifoQueue",
    "ContentBasedDeduplication",
)


def _no_secret(secret_id: str, key: str) -> str:
    raise TemplateError(f"the template asks for the secret {secret_id} ({key}), which is not there")


@dataclass(frozen=True)
class Surroundings:
    """Where a template is resolved: account, region, where queues live, who knows the secrets."""

    account: str = "123456789012"
    region: str = "us-east-1"
    stack: str = "orchard-local"
    queue_base: str = "http://127.0.0.1"
    api_urls: Mapping[str, str] = field(default_factory=dict)
    secret: Callable[[str, str], str] = _no_secret

    def pseudo(self) -> dict[str, str]:
        return {
            "AWS::AccountId": self.account,
            "AWS::Region": self.region,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": self.stack,
            "AWS::StackId": f"arn:aws:cloudformation:{self.region}:{self.account}:stack/{self.stack}/local",
        }


def read_template(path: Path, parameters: Mapping[str, str], surroundings: Surroundings | None = None) -> Bundle:
    """The bundle that a template describes, with everything resolved.

    Raises TemplateError when it cannot be read, a parameter is missing or unknown, or a reference leads nowhere.
    """
    return _Reader(path, parameters, surroundings or Surroundings()).bundle()


def resolver(path: Path, parameters: Mapping[str, str], surroundings: Surroundings | None = None) -> Resolver:
    """Resolves single values of a template, for those who look at other resources than a bundle has."""
    return _Reader(path, parameters, surroundings or Surroundings()).resolver


def api_names(path: Path) -> list[str]:
    """The logical ids of the template's HTTP APIs, before anything is resolved: their addresses are parameters."""
    resources = load_yaml(path)["Resources"]
    return [name for name, body in resources.items() if body["Type"] == "AWS::Serverless::HttpApi"]


class _Reader:
    def __init__(self, path: Path, parameters: Mapping[str, str], surroundings: Surroundings) -> None:
        document = load_yaml(path)
        self._root = path.absolute().parent
        self._at = surroundings
        self._all: dict[str, Any] = document["Resources"]
        self._globals = document.get("Globals", {}).get("Function", {})
        self.resolver = Resolver(
            document,
            parameters,
            pseudo=surroundings.pseudo(),
            ref=self._ref,
            get_att=self._get_att,
            secret=surroundings.secret,
        )

    def bundle(self) -> Bundle:
        functions = list(self._of_type("AWS::Serverless::Function"))
        routes = [route for name, body in functions for route in self._routes(name, body)]
        declared = [name for name, _ in self._of_type("AWS::Serverless::HttpApi")]
        used = [route.api for route in routes]
        return Bundle(
            apis=list(dict.fromkeys([*declared, *used])),
            functions=[self._function(name, body) for name, body in functions],
            routes=routes,
            schedules=[item for name, body in functions for item in self._schedules(name, body)],
            queues=[self._queue(name, body) for name, body in self._of_type("AWS::SQS::Queue")],
            subscriptions=[item for name, body in functions for item in self._subscriptions(name, body)],
            hooks=list(dict.fromkeys(self._hooks())),
            account=self._at.account,
            region=self._at.region,
        )

    def _of_type(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, body in self._all.items():
            if body["Type"] == kind and self._exists(body):
                yield name, body.get("Properties", {})

    def _exists(self, body: Mapping[str, Any]) -> bool:
        return "Condition" not in body or self.resolver.condition(body["Condition"])

    def _setting(self, body: Mapping[str, Any], name: str, default: Any = None) -> Any:
        return self.resolver.resolve(body.get(name, self._globals.get(name, default)))

    def _function(self, name: str, body: Mapping[str, Any]) -> Function:
        environment = {
            **self.resolver.resolve(self._globals.get("Environment", {}).get("Variables", {})),
            **self.resolver.resolve(body.get("Environment", {}).get("Variables", {})),
        }
        # A function's layers are added to those of Globals, as SAM does it.
        layers = [*self._globals.get("Layers", []), *body.get("Layers", [])]
        return Function(
            name=name,
            folder=str(self._root / self._setting(body, "CodeUri", ".")),
            handler=self._setting(body, "Handler"),
            timeout=int(self._setting(body, "Timeout", 3)),
            memory=int(self._setting(body, "MemorySize", 128)),
            environment={key: str(value) for key, value in environment.items()},
            layers=[str(folder) for layer in layers for folder in self._layer_folders(layer)],
        )

    def _layer_folders(self, layer: Any) -> list[Path]:
        """The folders of a layer's source that Python would import from."""
        body = self._all.get(layer.get("Ref", "")) if isinstance(layer, dict) else None
        if not body:
            return []
        source = self._root / self.resolver.resolve(body["Properties"]["ContentUri"])
        return [folder for folder in (source / "python", source) if any(folder.glob("*/__init__.py"))][:1]

    def _events(self, body: Mapping[str, Any], kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, event in body.get("Events", {}).items():
            if event["Type"] == kind:
                yield name, self.resolver.resolve(event.get("Properties", {}))

    def _routes(self, function: str, body: Mapping[str, Any]) -> Iterator[Route]:
        for _, event in self._events(body, "HttpApi"):
            method = str(event.get("Method", "ANY")).upper().replace("X-AMAZON-APIGATEWAY-ANY-METHOD", "ANY")
            yield Route(event.get("ApiId", _IMPLICIT_API), method, event.get("Path", "$default"), function)

    def _schedules(self, function: str, body: Mapping[str, Any]) -> Iterator[Schedule]:
        for name, event in self._events(body, "ScheduleV2"):
            payload = event.get("Input")
            yield Schedule(
                name=event.get("Name", f"{function}{name}"),
                expression=event["ScheduleExpression"],
                timezone=event.get("ScheduleExpressionTimezone", "UTC"),
                payload=payload if payload is None or isinstance(payload, str) else json.dumps(payload),
                enabled=event.get("State", "ENABLED") == "ENABLED",
                function=function,
            )

    def _subscriptions(self, function: str, body: Mapping[str, Any]) -> Iterator[Subscription]:
        for _, event in self._events(body, "SQS"):
            yield Subscription(
                queue=self._logical_id(event["Queue"]),
                function=function,
                batch_size=int(event.get("BatchSize", 10)),
                window=float(event.get("MaximumBatchingWindowInSeconds", 0)),
                partial="ReportBatchItemFailures" in event.get("FunctionResponseTypes", []),
                enabled=str(event.get("Enabled", True)).lower() == "true",
            )

    def _queue(self, name: str, body: Mapping[str, Any]) -> Queue:
        resolved = self.resolver.resolve(body)
        attributes = {
            key: str(resolved[key]).lower() if isinstance(resolved[key], bool) else str(resolved[key])
            for key in _QUEUE_ATTRIBUTES
            if key in resolved
        }
        redrive = resolved.get("RedrivePolicy")
        if not redrive:
            return Queue(name, self._queue_name(name), attributes)
        target = self._logical_id(redrive["deadLetterTargetArn"])
        return Queue(name, self._queue_name(name), attributes, target, int(redrive["maxReceiveCount"]))

    def _queue_name(self, name: str) -> str:
        body = self._all[name].get("Properties", {})
        given = self.resolver.resolve(body.get("QueueName"))
        suffix = ".fifo" if str(body.get("FifoQueue", "")).lower() == "true" else ""
        return given or f"{self._at.stack}-{name}{suffix}"

    def _logical_id(self, queue_arn: str) -> str:
        for name, _ in self._of_type("AWS::SQS::Queue"):
            if queue_arn == self._arn("sqs", self._queue_name(name)):
                return name
        raise TemplateError(f"{queue_arn} is not a queue of this template")

    def _hooks(self) -> Iterator[str]:
        """Functions behind custom resources: what a deployment runs."""
        for body in self._all.values():
            if body["Type"].startswith(("Custom::", "AWS::CloudFormation::CustomResource")) and self._exists(body):
                token = self.resolver.resolve(body["Properties"]["ServiceToken"])
                yield token.rsplit(":", 1)[1]

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self._at.region}:{self._at.account}:{resource}"

    def _kind(self, name: str) -> str | None:
        body = self._all.get(name)
        return body["Type"] if body else (_IMPLICIT_API if name == _IMPLICIT_API else None)

    def _ref(self, name: str) -> str | None:
        if self._kind(name) == "AWS::SQS::Queue":
            return f"{self._at.queue_base}/{self._at.account}/{self._queue_name(name)}"
        return name if self._kind(name) else None

    def _get_att(self, name: str, attribute: str) -> str | None:
        kind = self._kind(name)
        if kind is None:
            return None
        match (kind, attribute):
            case ("AWS::SQS::Queue", "QueueName"):
                return self._queue_name(name)
            case ("AWS::SQS::Queue", _):
                return self._arn("sqs", self._queue_name(name))
            case ("AWS::Serverless::Function", "Arn"):
                return self._arn("lambda", f"function:{name}")
            case (_, "ApiEndpoint"):
                return self._at.api_urls.get(name, name)
        return self._arn(kind.split("::")[1].lower(), f"{name}/{attribute}")
