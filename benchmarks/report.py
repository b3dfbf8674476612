"""One page for the reader, one JSON file and one plot for whoever compares."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.figures import Figures, as_json, line

RESULTS = Path(__file__).parent / "results"


def show(title: str, figures: Figures, others: float | None) -> None:
    """A part's figures, as soon as they are there."""
    noise = "" if others is None else f"  [others used {others} cores]"
    print(f"\n{title}{noise}", flush=True)
    for figure in figures:
        print(line(figure), flush=True)


def heading(machine: dict[str, Any]) -> None:
    """What the page is about."""
    print("Benchmark of the bundle: medians, (lowest .. highest round), PASS or FAIL where a gate is set.")
    print("Ratios within one run carry over to other machines; absolute figures do not.")
    print("  ".join(f"{name}: {value}" for name, value in machine.items()))


def write(name: str, machine: dict[str, Any], parts: dict[str, Any]) -> Path:
    """Write `<name>.json` below benchmarks/results; parts of an earlier run that were not run now stay.

    A figure's part tells when and beside how much of others' work it was measured.
    """
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    before = json.loads(path.read_text(encoding="utf-8"))["parts"] if path.exists() else {}
    document = {"written_at": _now(), "machine": machine, "parts": {**before, **parts}}
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return path


def part(title: str, figures: Figures, others: float | None, *, full: bool) -> dict[str, Any]:
    """A part as it stands in the file."""
    return {
        "title": title,
        "measured_at": _now(),
        "mode": "full" if full else "quick",
        "others_cores": others,
        "figures": [as_json(figure) for figure in figures],
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
