"""The bundle's builds at work: a shop whose functions all run under AWS's runtime client, used once for all tests."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

from infra.build.artefacts import Artefacts, ArtefactsUnavailable, built
from infra.build.permissions import Call, recorded_calls
from infra.functions import DeclaredFunction, declared
from infra.lambda_runtime.cloud import BuiltCloud
from infra.lambda_runtime.environment import Observation
from infra.lambda_runtime.runtime_api import Reply
from infra.local import shopfront
from infra.local.intrinsics import Resolver
from orchard.runtime.outbox import emit
from tests.support.custom_resource import CloudFormation
from tests.support.samples import Event, Samples
from tests.support.scenario import RunningShop, running_shop

# As many cold starts at a time as the smallest machine has cores.
_PROCESSES = 2


@dataclass(frozen=True)
class Run:
    """One function started cold from its build, given its sample event twice."""

    event: Event
    cold: Reply
    warm: Reply
    initialising: list[Observation]
    observations: list[Observation]
    peak_memory_mb: float


@dataclass(frozen=True)
class Evidence:
    """What a used shop leaves behind: a run per function (by key), every AWS call, CloudFormation's post."""

    artefacts: Artefacts
    cloud: BuiltCloud
    runs: dict[str, Run]
    calls: set[Call]
    told: list[str]

    @property
    def resolver(self) -> Resolver:
        """Resolves the template's references as they were for this shop."""
        return self.cloud.resolver


def artefacts_or_skip() -> Artefacts:
    """What was built, or a skipped test where this machine cannot run it."""
    try:
        return built()
    except ArtefactsUnavailable as reason:
        pytest.skip(f"nothing that was built runs here: {reason}")


@contextmanager
def used_shop(folder: Path) -> Iterator[Evidence]:
    """Sell, group, refund, run every job and every sample event; both books must agree in the end."""
    artefacts, recording = artefacts_or_skip(), folder / "aws-calls"
    # Read by moto's server, which inherits this process's variables.
    with pytest.MonkeyPatch.context() as variables, CloudFormation(folder) as answers:
        variables.setenv("MOTO_ENABLE_RECORDING", "1")
        variables.setenv("MOTO_RECORDER_FILEPATH", str(recording))
        trust = {"SSL_CERT_FILE": str(answers.certificate)}
        options: dict[str, Any] = {"observed": True, "durable": False, "schedules": False, "report": lambda _: None}
        with BuiltCloud(folder / "data", artefacts, variables=trust, **options) as cloud:
            shopfront.load(cloud)
            shopfront.purchase(cloud, lambda _: None)
            shopfront.group_buys(cloud, lambda _: None)
            runs = _run_all(cloud, folder, answers.url)
            calls = recorded_calls(recording, cloud.bundle.account)
            yield Evidence(artefacts, cloud, runs, calls, [answer["Status"] for answer in answers.answers])


def _run_all(cloud: BuiltCloud, folder: Path, response_url: str) -> dict[str, Run]:
    shops = running_shop(cloud, folder)
    shop = next(shops)
    samples = Samples(shop, response_url)
    events = [samples.event(function) for function in declared()]
    # So that the relay's own run has something for each queue.
    for record in (record for event in events for record in event.get("Records", [])):
        _emit(shop, json.loads(record["body"]))
    _leave_work(shop, samples)
    with ThreadPoolExecutor(_PROCESSES) as pool:
        found = pool.map(_run, repeat(cloud), declared(), events)
        runs = dict(zip((function.key for function in declared()), found, strict=True))
    # Settles what the events began, and compares both books.
    assert next(shops, None) is None
    return runs


def _leave_work(shop: RunningShop, samples: Samples) -> None:
    """For the jobs: an order whose time is over, and a payment that brought no notification in time."""
    shopper = shop.shopper()
    expired, forgotten = shopper.order(samples.goods), shopper.order(samples.goods)
    shopper.sheet(forgotten)
    shop.expire(expired)
    shop.let_pass(60, forgotten)


def _emit(shop: RunningShop, told: dict[str, Any]) -> None:
    shop.db.run(lambda tx: tx.execute(emit(told["topic"], told["subject"], told["payload"])))


def _run(cloud: BuiltCloud, function: DeclaredFunction, event: Event) -> Run:
    payload = json.dumps(event, ensure_ascii=False)
    with cloud.functions.environment(function.resource) as environment:
        cold, warm = environment.invoke(payload), environment.invoke(payload)
        memory = environment.peak_memory_mb()
        return Run(event, cold, warm, environment.during_init(), list(environment.observations), memory)
