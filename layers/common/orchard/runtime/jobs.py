"""Jobs fired by cron: read a batch, claim each item with a conditional UPDATE, return counts.

A job is safe to run twice at once, to be killed anywhere and to run late. One item's failure never stops the others.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from orchard.runtime import crash_points, pauses
from orchard.runtime.database import Connection, connection
from orchard.runtime.logs import count, invocation, logger, request_id_of
from orchard.runtime.time_left import ITEM_SECONDS, TimeLeft
from orchard.runtime.unexpected import count_if_unexpected

__all__ = ["ITEM_SECONDS", "Counts", "Job", "TimeLeft", "Turns", "Work", "add", "each"]

Counts = dict[str, int]
T = TypeVar("T")


Work = Callable[[Connection, TimeLeft], Counts]


class Job:
    """The function behind one schedule. `work` returns counts, which become metrics `<operation>.<name>`.

    `item_seconds` is how long one item may take at worst, where that is more than the database's few seconds.
    """

    def __init__(self, name: str, work: Work, *, item_seconds: float = ITEM_SECONDS) -> None:
        self._name = name
        self._work = work
        self.item_seconds = item_seconds

    def handler(self, event: dict[str, Any], context: Any) -> Counts:
        """Lambda entry point; the event's content does not matter. An error is logged and raised for the retry."""
        with invocation(self._name, request_id_of(context)):
            try:
                counts = self._work(connection, TimeLeft(context, self.item_seconds))
            except Exception:
                logger.exception("job failed")
                count("JobErrors")
                raise
            for name, value in counts.items():
                count(f"{self._name}.{name}", value)
            logger.info("job done", counts=counts)
            return counts


def each(items: Iterable[T], act: Callable[[T], str], time_left: TimeLeft) -> Counts:
    """Run `act` on each item while time is left; counts by the word it returns, failures under `failed`."""
    counts: Counts = {}
    for item in items:
        if not time_left:
            counts["left_over"] = counts.get("left_over", 0) + 1
            continue
        try:
            outcome = act(item)
            crash_points.reached("jobs.item_done")
        except Exception as error:
            logger.exception("job item failed")
            count_if_unexpected(error)
            outcome = "failed"
        counts[outcome] = counts.get(outcome, 0) + 1
    return counts


def add(counts: Counts, more: Counts) -> None:
    """Add the counts of a part of the job to those of the whole."""
    for name, number in more.items():
        counts[name] = counts.get(name, 0) + number


@dataclass(frozen=True)
class Turns(Generic[T]):
    """Gives an item that was not finished its next turn later, so that no item starves those behind it.

    `unfinished` are the outcomes after which an item stays due; an error is always one.
    """

    transactions: Connection
    sweep: str
    unfinished: frozenset[str]
    identity: Callable[[T], int]

    def due(self, page: Sequence[T]) -> list[T]:
        """The items of the page whose turn has come."""
        ids = [self.identity(item) for item in page]
        waiting = self.transactions.run(lambda tx: pauses.paused(tx, self.sweep, ids))
        return [item for item in page if self.identity(item) not in waiting]

    def take(self, act: Callable[[T], str]) -> Callable[[T], str]:
        """`act`, with a pause for the item if it could not be finished."""

        def acting(item: T) -> str:
            try:
                outcome = act(item)
            except Exception:
                self._pause(item)
                raise
            if outcome in self.unfinished:
                self._pause(item)
            return outcome

        return acting

    def _pause(self, item: T) -> None:
        self.transactions.run(lambda tx: pauses.pause(tx, self.sweep, self.identity(item)))
