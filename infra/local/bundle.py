"""What a bundle is made of, as read from its template: functions and everything that starts them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from infra.local.processes import LocalCloudError, write_private


@dataclass(frozen=True, slots=True)
class Function:
    """One function: `folder` and `layers` are absolute paths, `timeout` is in seconds, `memory` in MB."""

    name: str
    folder: str
    handler: str
    timeout: int
    memory: int
    environment: dict[str, str] = field(repr=False)
    layers: list[str]

    @property
    def short_name(self) -> str:
        """The name of its folder, by which people call it: place_order."""
        return Path(self.folder).name


@dataclass(frozen=True, slots=True)
class Route:
    """One route of one HTTP API; method ANY takes all."""

    api: str
    method: str
    path: str
    function: str

    @property
    def key(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """One schedule; `payload` is the target's input, None for EventBridge Scheduler's own event."""

    name: str
    expression: str
    timezone: str
    payload: str | None
    enabled: bool
    function: str


@dataclass(frozen=True, slots=True)
class Queue:
    """One SQS queue with its attributes as CreateQueue takes them; the redrive target as a logical id."""

    name: str
    queue_name: str
    attributes: dict[str, str]
    dead_letter: str | None = None
    max_receive_count: int = 0


@dataclass(frozen=True, slots=True)
class Subscription:
    """One queue feeding one function; `window` in seconds."""

    queue: str
    function: str
    batch_size: int
    window: float
    partial: bool
    enabled: bool


@dataclass(frozen=True, slots=True)
class Bundle:
    """The whole. `hooks` are the functions that a deployment runs, in the template's order."""

    apis: list[str]
    functions: list[Function]
    routes: list[Route]
    schedules: list[Schedule]
    queues: list[Queue]
    subscriptions: list[Subscription]
    hooks: list[str]
    account: str
    region: str

    def function(self, name: str) -> Function:
        """By logical id or by folder name. Raises LocalCloudError that lists what there is."""
        for function in self.functions:
            if name in (function.name, function.short_name):
                return function
        known = ", ".join(sorted(function.short_name for function in self.functions))
        raise LocalCloudError(f"There is no function {name}. There are: {known}")

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def save(self, path: Path) -> None:
        """Write it, secrets in environments included, for the gateway's workers; only the owner may read it."""
        write_private(path, json.dumps(asdict(self)))

    @classmethod
    def load(cls, path: Path) -> Bundle:
        document = json.loads(path.read_text())

        def parts(kind: Any, name: str) -> Iterable[Any]:
            return [kind(**item) for item in document.pop(name)]

        return cls(
            functions=list(parts(Function, "functions")),
            routes=list(parts(Route, "routes")),
            schedules=list(parts(Schedule, "schedules")),
            queues=list(parts(Queue, "queues")),
            subscriptions=list(parts(Subscription, "subscriptions")),
            **document,
        )
