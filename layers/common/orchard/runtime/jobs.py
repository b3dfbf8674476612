"""Jobs fired by cron: read a batch, claim each item with a conditional UPDATE, return counts.

A job is safe to run twice at once, to be killed anywhere and to run late. One item's failure never stops the others.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from orchard.runtime import crash_points
from orchard.runtime.database import Connection, connection
from orchard.runtime.logs import count, invocation, logger, request_id_of

Counts = dict[str, int]
T = TypeVar("T")
_LEAST_SECONDS = 5


class TimeLeft:
    """How long the invocation may still run; a job stops beginning new items when it is nearly over."""

    def __init__(self, context: Any) -> None:
        self._context = context

    @property
    def seconds(self) -> float:
        """Seconds until the platform stops the function; an hour where nobody says."""
        remaining = getattr(self._context, "get_remaining_time_in_millis", None)
        return float(remaining()) / 1000 if remaining else 3600.0

    def __bool__(self) -> bool:
        return self.seconds > _LEAST_SECONDS


Work = Callable[[Connection, TimeLeft], Counts]


class Job:
    """The function behind one schedule. `work` returns counts, which become metrics `<operation>.<name>`."""

    def __init__(self, name: str, work: Work) -> None:
        self._name = name
        self._work = work

    def handler(self, event: dict[str, Any], context: Any) -> Counts:
        """Lambda entry point; the event's content does not matter. An error is logged and raised for the retry."""
        with invocation(self._name, request_id_of(context)):
            try:
                counts = self._work(connection, TimeLeft(context))
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
        except Exception:
            logger.exception("job item failed")
            outcome = "failed"
        counts[outcome] = counts.get(outcome, 0) + 1
    return counts


def add(counts: Counts, more: Counts) -> None:
    """Add the counts of a part of the job to those of the whole."""
    for name, number in more.items():
        counts[name] = counts.get(name, 0) + number
