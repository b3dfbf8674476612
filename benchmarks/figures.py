"""What a part of the benchmark hands back: figures with unit, spread, and where one was set a gate."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from orchard.runtime.database import Connection

if TYPE_CHECKING:
    from infra.local.mariadb import MariaDb

Number = int | float


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. `low` and `high` are the extremes of the rounds it is the median of; `passed` answers the gate."""

    name: str
    value: Number | str
    unit: str = ""
    low: Number | None = None
    high: Number | None = None
    gate: str = ""
    passed: bool | None = None

    def at_least(self, least: Number) -> "Figure":
        """The same with a gate: what it should reach."""
        return replace(self, gate=f">= {least}", passed=_number(self.value) >= least)

    def at_most(self, most: Number) -> "Figure":
        """The same with a gate: what it should stay below."""
        return replace(self, gate=f"<= {most}", passed=_number(self.value) <= most)


Figures = list[Figure]


@dataclass(frozen=True, slots=True)
class Bench:
    """What a part works with: a migrated database of its own on a durable private server, and how thorough to be."""

    db: Connection
    server: "MariaDb"
    full: bool = False


def of(name: str, samples: Sequence[Number], unit: str) -> Figure:
    """The median of the rounds, with their extremes."""
    return Figure(name, rounded(statistics.median(samples)), unit, rounded(min(samples)), rounded(max(samples)))


def ratio(name: str, above: Sequence[Number], below: Sequence[Number]) -> Figure:
    """Round by round, so that a moment that was slow for both sides does not count."""
    return of(name, [a / b for a, b in zip(above, below, strict=True)], "ratio")


def rounded(value: Number) -> Number:
    """Three digits that mean something; whole numbers above a hundred."""
    return round(value) if isinstance(value, int) or abs(value) >= 100 else float(f"{value:.3g}")


def plain(values: Mapping[str, Number | str], unit: str = "") -> Figures:
    """Figures without rounds."""
    return [Figure(name, value, unit) for name, value in values.items()]


def as_json(figure: Figure) -> dict[str, Any]:
    """The figure without what it does not have."""
    values = {name: getattr(figure, name) for name in Figure.__slots__}
    return {name: value for name, value in values.items() if value not in (None, "")}


def line(figure: Figure) -> str:
    """The figure as one line of the page."""
    known = {str(end) for end in (figure.low, figure.high) if end is not None}
    low, high = ("" if end is None else end for end in (figure.low, figure.high))
    spread = f"  ({low} .. {high})" if known - {str(figure.value)} else ""
    verdict = "" if figure.passed is None else f"  {'PASS' if figure.passed else 'FAIL'} {figure.gate}"
    unit = "" if figure.unit in {"", "ratio"} else f" {figure.unit}"
    return f"  {figure.name:<74} {figure.value}{unit}{spread}{verdict}"


def _number(value: Number | str) -> Number:
    if isinstance(value, str):
        raise TypeError("a word passes no gate")
    return value
