"""Fires the bundle's schedules, as EventBridge Scheduler does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.local.bundle import Bundle, Schedule
from infra.local.events import schedule_event
from infra.local.expressions import Next, next_time
from infra.local.processes import LocalCloudError

# Rates begin one after the other shortly after the start, so that jobs do not take all processes at once.
_FIRST_SECONDS = 5
Invoke = Callable[[str, Any], object]


class Scheduler:
    """Calls `invoke(function, event)` for each schedule when it is due; a run still going makes its tick drop out."""

    def __init__(self, bundle: Bundle, invoke: Invoke, report: Callable[[str], None]) -> None:
        self._bundle, self._invoke, self._report = bundle, invoke, report
        self._timers = [
            _Timer(schedule, next_time(schedule.expression, schedule.timezone))
            for schedule in bundle.schedules
            if schedule.enabled
        ]
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(max(1, len(self._timers)), thread_name_prefix="schedule")
        self._thread = threading.Thread(target=self._loop, name="scheduler", daemon=True)

    def start(self) -> None:
        now = datetime.now(UTC)
        for position, timer in enumerate(self._timers, 1):
            timer.begin(now, now + timedelta(seconds=_FIRST_SECONDS * position))
        self._thread.start()

    def stop(self) -> None:
        """No new runs; waits for those under way."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def tick(self, now: datetime) -> None:
        """Start whatever is due."""
        for timer in self._timers:
            due = timer.take(now)
            if due is None:
                continue
            if timer.run is not None and not timer.run.done():
                self._report(f"{timer.schedule.name} is still running: this start drops out")
                continue
            timer.run = self._pool.submit(self._fire, timer.schedule, due)

    def _loop(self) -> None:
        while not self._over.wait(self._pause()):
            self.tick(datetime.now(UTC))

    def _pause(self) -> float:
        dues = [timer.due for timer in self._timers if timer.due]
        if not dues:
            return 60
        # Never long: the machine may have slept, and the wall clock moved on without us.
        return min(5.0, max(0.05, (min(dues) - datetime.now(UTC)).total_seconds()))

    def _fire(self, schedule: Schedule, due: datetime) -> None:
        try:
            self._invoke(schedule.function, schedule_event(self._bundle, schedule, due))
        except LocalCloudError as error:
            self._report(f"{schedule.name}: {error}")


class _Timer:
    def __init__(self, schedule: Schedule, following: Next) -> None:
        self.schedule, self._next = schedule, following
        self.due: datetime | None = None
        self.run: Future[None] | None = None

    def begin(self, now: datetime, first: datetime) -> None:
        self.due = first if self.schedule.expression.startswith("rate") else self._next(now)

    def take(self, now: datetime) -> datetime | None:
        """The moment that came due, once; ticks missed meanwhile are not made up for."""
        due = self.due
        if due is None or due > now:
            return None
        following = self._next(due)
        self.due = following if following is None or following > now else self._next(now)
        return due
