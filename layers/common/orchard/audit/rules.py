"""The form of an invariant: one query that returns the rows which break it, in one consistent snapshot."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orchard.runtime.database import Row

_WINDOW = re.compile(r"@window\(([\w.]+)\)")


@dataclass(frozen=True, slots=True)
class Rule:
    """`query` returns offending rows, none when all is well. `settled` rules hold once queues and sweeps have run.

    `walk` is the table by whose ids the query can be cut: `@window(column)` stands where a column holds such an id.
    """

    code: str
    title: str
    query: str
    params: Sequence[Any] = ()
    settled: bool = False
    walk: str | None = None

    @property
    def sql(self) -> str:
        """The query over everything."""
        return _WINDOW.sub("1 = 1", self.query)

    def within(self, low: int, high: int) -> str:
        """The query over the ids above `low` up to `high`."""
        return _WINDOW.sub(lambda found: f"{found[1]} > {low:d} AND {found[1]} <= {high:d}", self.query)


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken rule and the first rows that break it."""

    code: str
    title: str
    rows: tuple[Row, ...]

    def __str__(self) -> str:
        shown = "; ".join(", ".join(f"{name}={value}" for name, value in row.items()) for row in self.rows)
        return f"{self.code} {self.title}: {shown}"
