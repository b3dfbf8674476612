"""When schedules are due, what they send, and that runs of one schedule do not pile up."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.local.bundle import Bundle, Schedule
from infra.local.events import schedule_event
from infra.local.expressions import next_time
from infra.local.processes import LocalCloudError
from infra.local.scheduler import Scheduler

SUNDAY = datetime(2026, 3, 1, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "zone", "expected"),
    [
        ("rate(1 minute)", "UTC", "2026-03-01T10:31+00:00"),
        ("rate(5 hours)", "UTC", "2026-03-01T15:30+00:00"),
        ("cron(0 3 * * ? *)", "Asia/Shanghai", "2026-03-01T19:00+00:00"),
        ("cron(0/15 10 * * ? *)", "UTC", "2026-03-01T10:45+00:00"),
        ("cron(30 10 * * ? *)", "UTC", "2026-03-02T10:30+00:00"),
        ("cron(0 9 ? * MON-FRI *)", "UTC", "2026-03-02T09:00+00:00"),
        ("cron(0 9 ? * 1 *)", "UTC", "2026-03-08T09:00+00:00"),
        ("cron(0 9 L * ? *)", "UTC", "2026-03-31T09:00+00:00"),
        ("cron(0 9 ? * 6L *)", "UTC", "2026-03-27T09:00+00:00"),
        ("cron(0 9 ? * TUE#2 *)", "UTC", "2026-03-10T09:00+00:00"),
        ("cron(0 0 29 2 ? *)", "UTC", "2028-02-29T00:00+00:00"),
        ("cron(30 2 8 3 ? 2026)", "America/New_York", None),
        ("at(2026-03-01T20:00:00)", "Asia/Shanghai", "2026-03-01T12:00+00:00"),
        ("at(2026-03-01T10:30:00)", "UTC", None),
    ],
)
def test_the_next_time_of_an_expression(expression: str, zone: str, expected: str | None) -> None:
    due = next_time(expression, zone)(SUNDAY)
    assert due == (datetime.fromisoformat(expected) if expected else None)


@pytest.mark.parametrize(
    "expression",
    [
        "rate(0 minutes)",
        "rate(1 month)",
        "cron(* * * * *)",
        "cron(0 9 * * * *)",
        "cron(60 9 * * ? *)",
        "cron(0 9 15W * ? *)",
        "every day",
    ],
)
def test_what_the_scheduler_would_refuse(expression: str) -> None:
    with pytest.raises(LocalCloudError, match="not a schedule expression"):
        next_time(expression)


def _bundle(*schedules: Schedule) -> Bundle:
    return Bundle([], [], [], list(schedules), [], [], [], "123456789012", "us-east-1")


def test_the_event_is_the_schedulers_own_unless_the_target_has_an_input() -> None:
    plain = Schedule("Nightly", "rate(1 day)", "UTC", None, True, "Tick")
    event = schedule_event(_bundle(), plain, SUNDAY)
    assert event.pop("id")
    assert event == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": "123456789012",
        "time": "2026-03-01T10:30:00Z",
        "region": "us-east-1",
        "resources": ["arn:aws:scheduler:us-east-1:123456789012:schedule/default/Nightly"],
        "detail": "{}",
    }
    given = Schedule("N", "rate(1 day)", "UTC", '{"at": "<aws.scheduler.scheduled-time>"}', True, "Tick")
    assert schedule_event(_bundle(), given, SUNDAY) == {"at": "2026-03-01T10:30:00Z"}


def test_a_running_job_makes_its_next_ticks_drop_out(tmp_path: Path) -> None:
    started, finish = threading.Semaphore(0), threading.Event()
    runs: list[str] = []
    reports: list[str] = []

    def invoke(function: str, event: Any) -> None:
        runs.append(event["time"])
        started.release()
        finish.wait(30)

    schedule = Schedule("Busy", "rate(1 minute)", "UTC", None, True, "Tick")
    idle = Schedule("Off", "rate(1 minute)", "UTC", None, False, "Tick")
    scheduler = Scheduler(_bundle(schedule, idle), invoke, reports.append)
    scheduler.start()
    begin = datetime.now(UTC) + timedelta(minutes=1)
    scheduler.tick(begin)
    assert started.acquire(timeout=30)
    scheduler.tick(begin + timedelta(minutes=10))
    finish.set()
    scheduler.stop()
    assert len(runs) == 1
    assert reports == ["Busy is still running: this start drops out"]
