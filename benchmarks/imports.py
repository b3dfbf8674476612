"""What a cold start pays for imports: CPU of a fresh interpreter that imports one function, against a baseline."""

import os
import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
_ROUNDS = 7
# `import pydantic` alone loads next to nothing (its names are lazy), so the baseline takes the base class from it.
_BASELINE = "import pymysql\nfrom pydantic import BaseModel"
_LITERAL = "import pydantic, pymysql"
# As the template sets it: no search for pydantic plugins among the installed packages.
_ENVIRONMENT = {"PYDANTIC_DISABLE_PLUGINS": "__all__", "POWERTOOLS_SERVICE_NAME": "bench"}
# A function never unloads, so neither does the measured interpreter.
_END = "\nimport os\nos._exit(0)"
Figures = dict[str, float | int | str]


def _cpu_ms(code: str, path: str) -> float:
    """User and system time of one interpreter that runs `code`, in milliseconds."""
    environment = {**os.environ, **_ENVIRONMENT, "PYTHONPATH": path}
    pid = os.fork()
    if pid == 0:
        os.execve(sys.executable, [sys.executable, "-c", code + _END], environment)  # noqa: S606 - our own interpreter
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise RuntimeError(f"cannot run: {code}")
    return (usage.ru_utime + usage.ru_stime) * 1000


def run() -> Figures:
    """CPU per import, bare interpreter taken off, as a ratio to the baseline; interleaved, medians of 7."""
    layer = str(ROOT / "layers" / "common")
    functions = sorted(path.parent for path in (ROOT / "functions").glob("*/*/app.py"))
    cases = {"bare": ("", layer), "baseline": (_BASELINE, layer), "literal": (_LITERAL, layer)}
    for folder in functions:
        cases[f"{folder.parent.name}/{folder.name}"] = ("import app", f"{layer}:{folder}")
    samples: dict[str, list[float]] = {name: [] for name in cases}
    for round_number in range(_ROUNDS + 1):
        for name, (code, path) in cases.items():
            cpu = _cpu_ms(code, path)
            if round_number:  # the first round only warms the file cache and writes bytecode
                samples[name].append(cpu)
    return _ratios({name: statistics.median(values) for name, values in samples.items()})


def _ratios(median: dict[str, float]) -> Figures:
    bare, baseline = median.pop("bare"), median.pop("baseline")
    literal = median.pop("literal") - bare
    base = baseline - bare
    figures: Figures = {
        "baseline CPU ms (pydantic.BaseModel, pymysql; bare interpreter taken off)": round(base, 1),
        "the words `import pydantic, pymysql` alone, CPU ms": round(literal, 1),
    }
    for name, value in median.items():
        figures[f"{name}, ratio"] = round((value - bare) / base, 2)
    figures["dearest function, ratio"] = max(v for k, v in figures.items() if k.endswith(", ratio"))
    return figures


if __name__ == "__main__":
    for name, value in run().items():
        print(f"{name:60} {value}")
