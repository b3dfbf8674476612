"""Cold starts, warm calls and memory of every function, run from its build under AWS's own runtime client.

A cold start is from spawning the process to its first
answer, to the function's sample event in a shop that has sold something. Compared with a handler that does nothing and
with one that imports pydantic and PyMySQL; and one function without the layers' bytecode.
"""

import json
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Figures, of, ratio, rounded
from infra.build.artefacts import Artefacts, built
from infra.functions import declared
from infra.lambda_runtime.cloud import BuiltCloud
from infra.lambda_runtime.environment import ExecutionEnvironment
from infra.local import shopfront
from infra.local.bundle import Function
from tests.support.custom_resource import CloudFormation
from tests.support.samples import Samples
from tests.support.scenario import RunningShop

BARE, BASELINE = "a handler that does nothing", "a handler with pydantic and PyMySQL"
PLACE_ORDER = "orders/place_order"
WITHOUT_BYTECODE = "place_order without bytecode"
# Half of what a function is given.
_MEMORY_MB = 256
_HANDLER = "def handler(event, context):\n    return {}\n"
_SOURCES = {"Bare": _HANDLER, "Baseline": f"import pymysql\nfrom pydantic import BaseModel\n{_HANDLER}"}


@dataclass
class Case:
    """One handler and the event it gets; times in seconds, a sample per round."""

    function: Function
    artefacts: Artefacts
    variables: dict[str, str]
    payload: str
    cold: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory_mb: float = 0.0
    warm: list[float] = field(default_factory=list)

    def start(self, log: Path) -> None:
        """One cold start."""
        before = _cpu_of_ended()
        with ExecutionEnvironment(self.function, self.artefacts, self.variables, log) as environment:
            environment.invoke(self.payload)
            self.cold.append(environment.cold_seconds or 0.0)
            self.memory_mb = max(self.memory_mb, environment.peak_memory_mb())
        self.cpu.append(_cpu_of_ended() - before)

    def warm_up(self, log: Path, calls: int) -> None:
        """Repeated calls of one environment."""
        with ExecutionEnvironment(self.function, self.artefacts, self.variables, log) as environment:
            environment.invoke(self.payload)
            for _ in range(calls):
                begun = time.perf_counter()
                self.warm.append(environment.invoke(self.payload).received - begun)
            self.memory_mb = max(self.memory_mb, environment.peak_memory_mb())


def run(full: bool = False) -> Figures:
    """Rounds are interleaved, so that a slow moment falls on all."""
    with _cases() as (cases, log):
        for _ in range(15 if full else 5):
            for case in cases.values():
                case.start(log)
        for case in cases.values():
            case.warm_up(log, calls=300 if full else 60)
    return _figures(cases)


def _figures(cases: dict[str, Case]) -> Figures:
    compared = {name: cases.pop(name) for name in (BARE, BASELINE, WITHOUT_BYTECODE)}
    base, unmade = compared[BASELINE], compared[WITHOUT_BYTECODE]
    ratios = {name: ratio(f"{name}: CPU to the baseline's", case.cpu, base.cpu) for name, case in cases.items()}
    largest = max(cases, key=lambda name: cases[name].memory_mb)
    dearest = max(ratios.values(), key=lambda figure: figure.value)
    found = [figure for name, case in compared.items() for figure in _compared_figures(name, case)]
    found.append(ratio("place_order: CPU without bytecode to with it", unmade.cpu, cases[PLACE_ORDER].cpu))
    for name, case in cases.items():
        found += [
            of(f"{name}: cold start", _ms(case.cold), "ms"),
            of(f"{name}: CPU of a cold start", _ms(case.cpu), "ms"),
            ratios[name],
            Figure(f"{name}: warm p50", rounded(statistics.median(_ms(case.warm))), "ms"),
            Figure(f"{name}: warm p99", rounded(sorted(_ms(case.warm))[int(len(case.warm) * 0.99)]), "ms"),
            Figure(f"{name}: memory", round(case.memory_mb, 1), "MB"),
        ]
    return [
        *found,
        of("median function, cold", [statistics.median(_ms(case.cold)) for case in cases.values()], "ms"),
        # No gate: a first call may have to load boto3 and to ask WeChat Pay. What imports may cost is gated with them.
        replace(dearest, name=f"dearest, {dearest.name}"),
        Figure(f"most memory, {largest}", round(cases[largest].memory_mb, 1), "MB").at_most(_MEMORY_MB),
    ]


def _compared_figures(name: str, case: Case) -> Figures:
    return [
        of(f"cold start of {name}", _ms(case.cold), "ms"),
        of(f"CPU of a cold start of {name}", _ms(case.cpu), "ms"),
        Figure(f"memory of {name}", round(case.memory_mb, 1), "MB"),
    ]


def _ms(seconds: Sequence[float]) -> list[float]:
    return [value * 1000 for value in seconds]


@contextmanager
def _cases() -> Iterator[tuple[dict[str, Case], Path]]:
    """A shop that has sold, grouped and refunded, and a case per function in it; and a file for their output."""
    artefacts = built()
    with tempfile.TemporaryDirectory() as name, CloudFormation(Path(name)) as answers:
        folder = Path(name)
        trust = {"SSL_CERT_FILE": str(answers.certificate)}
        quiet: dict[str, Any] = {"durable": False, "schedules": False, "report": lambda _: None}
        with BuiltCloud(folder / "data", artefacts, variables=trust, **quiet) as cloud:
            shopfront.load(cloud)
            shopfront.purchase(cloud, lambda _: None)
            shopfront.group_buys(cloud, lambda _: None)
            samples = Samples(RunningShop(cloud, folder), answers.url)
            cases = _compared(artefacts, folder)
            for function in declared():
                variables = cloud.functions.variables(cloud.bundle.function(function.resource))
                event = json.dumps(samples.event(function), ensure_ascii=False)
                cases[function.key] = Case(cloud.bundle.function(function.resource), artefacts, variables, event)
            bare = replace(artefacts, layers=_without_bytecode(artefacts, folder))
            cases[WITHOUT_BYTECODE] = replace(cases[PLACE_ORDER], artefacts=bare, cold=[], cpu=[], warm=[])
            yield cases, folder / "functions.log"


def _compared(artefacts: Artefacts, folder: Path) -> dict[str, Case]:
    """The two handlers that functions are compared with."""
    cases = {}
    for (resource_name, source), title in zip(_SOURCES.items(), (BARE, BASELINE), strict=True):
        (folder / resource_name).mkdir()
        (folder / resource_name / "app.py").write_text(source, encoding="utf-8")
        function = Function(resource_name, str(folder / resource_name), "app.handler", 10, 512, {}, [])
        variables = {"PYDANTIC_DISABLE_PLUGINS": "__all__"}
        cases[title] = Case(function, replace(artefacts, functions=folder), variables, "{}")
    return cases


def _without_bytecode(artefacts: Artefacts, folder: Path) -> tuple[Path, ...]:
    """The layers as `sam build` alone would ship them."""
    copies = tuple(folder / f"layer-{number}" for number, _ in enumerate(artefacts.layers))
    for layer, copy in zip(artefacts.layers, copies, strict=True):
        shutil.copytree(layer, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copies


def _cpu_of_ended() -> float:
    """User and system time of all processes that this one has seen end, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
