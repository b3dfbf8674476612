"""The form of an invariant: one query that returns the rows which break it, in one consistent snapshot."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orchard.runtime.database import Row


@dataclass(frozen=True, slots=True)
class Rule:
    """`sql` returns offending rows, none when all is well. `settled` rules hold once queues and sweeps have run."""

    code: str
    title: str
    sql: str
    params: Sequence[Any] = ()
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken rule and the first rows that break it."""

    code: str
    title: str
    rows: tuple[Row, ...]

    def __str__(self) -> str:
        shown = "; ".join(", ".join(f"{name}={value}" for name, value in row.items()) for row in self.rows)
        return f"{self.code} {self.title}: {shown}"
