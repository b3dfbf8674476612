"""What a cold start pays for imports: CPU and memory of a fresh interpreter that imports one function."""

import os
import statistics
import sys
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from benchmarks.figures import Figure, Figures, of, ratio

ROOT = Path(__file__).parents[1]
# What a function may cost, as a multiple of the baseline; and half of what it is given.
_BUDGET = 2.0
_MEMORY_MB = 256
# `import pydantic` alone loads next to nothing (its names are lazy), so the baseline takes the base class from it.
_BASELINE = "import pymysql\nfrom pydantic import BaseModel"
_LITERAL = "import pydantic, pymysql"
# As the template sets it: no search for pydantic plugins among the installed packages.
_ENVIRONMENT = {"PYDANTIC_DISABLE_PLUGINS": "__all__", "POWERTOOLS_SERVICE_NAME": "bench"}
# A function never unloads, so neither does the measured interpreter.
_END = "\nimport os\nos._exit(0)"


class _Used(NamedTuple):
    cpu_ms: float
    memory_mb: float


def _used(code: str, path: str) -> _Used:
    """User and system time of one interpreter that runs `code`, and the most memory it had."""
    environment = {**os.environ, **_ENVIRONMENT, "PYTHONPATH": path}
    pid = os.fork()
    if pid == 0:
        os.execve(sys.executable, [sys.executable, "-c", code + _END], environment)  # noqa: S606 - our own interpreter
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise RuntimeError(f"cannot run: {code}")
    return _Used((usage.ru_utime + usage.ru_stime) * 1000, usage.ru_maxrss / 1024)


def run(full: bool = False) -> Figures:
    """CPU per import, bare interpreter taken off, as a ratio to the baseline; interleaved."""
    layer = str(ROOT / "layers" / "common")
    functions = sorted(path.parent for path in (ROOT / "functions").glob("*/*/app.py"))
    cases = {"bare": ("", layer), "baseline": (_BASELINE, layer), "literal": (_LITERAL, layer)}
    for folder in functions:
        cases[f"{folder.parent.name}/{folder.name}"] = ("import app", f"{layer}:{folder}")
    samples: dict[str, list[_Used]] = {name: [] for name in cases}
    for round_number in range((7 if full else 3) + 1):
        for name, (code, path) in cases.items():
            used = _used(code, path)
            if round_number:  # the first round only warms the file cache and writes bytecode
                samples[name].append(used)
    return _figures(samples)


def _figures(samples: dict[str, list[_Used]]) -> Figures:
    bare = statistics.median(used.cpu_ms for used in samples["bare"])
    cpu = {name: [used.cpu_ms - bare for used in taken] for name, taken in samples.items() if name != "bare"}
    base, literal = cpu.pop("baseline"), cpu.pop("literal")
    ratios = [ratio(f"{name}: CPU to the baseline's", taken, base) for name, taken in cpu.items()]
    dearest = max(ratios, key=lambda figure: figure.value)
    memory = {name: max(used.memory_mb for used in taken) for name, taken in samples.items()}
    largest = max(cpu, key=memory.__getitem__)
    return [
        of("the baseline's CPU (pydantic.BaseModel, pymysql; bare interpreter taken off)", base, "ms"),
        of("the words `import pydantic, pymysql` alone", literal, "ms"),
        *ratios,
        replace(dearest, name=f"dearest: {dearest.name}").at_most(_BUDGET),
        Figure("memory: bare interpreter", round(memory["bare"], 1), "MB"),
        Figure("memory: the baseline", round(memory["baseline"], 1), "MB"),
        *(Figure(f"{name}: memory", round(memory[name], 1), "MB") for name in cpu),
        Figure(f"most memory: {largest}", round(memory[largest], 1), "MB").at_most(_MEMORY_MB),
    ]
