"""Schedule expressions of EventBridge Scheduler: rate(), cron() and at().

Syntax: EventBridge Scheduler user guide, "Schedule types". Cron's W (nearest weekday) is refused.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from infra.local.processes import LocalCloudError

# When a schedule is due next, strictly after a moment; None when never again.
Next = Callable[[datetime], datetime | None]

_UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
_HORIZON_YEARS = 8


def next_time(expression: str, timezone: str = "UTC") -> Next:
    """The rule of an expression; rates count from the moment they are asked about.

    Raises LocalCloudError for an expression or a time zone that EventBridge Scheduler would refuse.
    """
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError):
        raise LocalCloudError(f"unknown time zone {timezone!r}") from None
    match = re.fullmatch(r"(rate|cron|at)\((.+)\)", expression.strip())
    if not match:
        raise LocalCloudError(f"not a schedule expression: {expression!r}")
    try:
        return {"rate": _rate, "cron": _cron, "at": _at}[match[1]](match[2], zone)
    except (ValueError, KeyError) as error:
        raise LocalCloudError(f"not a schedule expression: {expression!r} ({error})") from None


def _rate(text: str, _zone: ZoneInfo) -> Next:
    match = re.fullmatch(r"([1-9]\d*) (minute|hour|day)s?", text)
    if not match:
        raise ValueError("expected rate(value unit)")
    period = int(match[1]) * _UNITS[match[2]]
    return lambda after: after + period


def _at(text: str, zone: ZoneInfo) -> Next:
    moment = datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)
    return lambda after: moment if moment > after else None


def _cron(text: str, zone: ZoneInfo) -> Next:
    fields = text.upper().split()
    if len(fields) != 6 or (fields[2] == "?") == (fields[4] == "?"):
        raise ValueError("expected six fields, one of day-of-month and day-of-week being ?")
    minutes, hours = _numbers(fields[0], 0, 59), _numbers(fields[1], 0, 23)
    months, years = _numbers(fields[3], 1, 12, _MONTHS), _numbers(fields[5], 1970, 2199)
    on_day = _day_of_month(fields[2]) if fields[4] == "?" else _day_of_week(fields[4])

    def following(after: datetime) -> datetime | None:
        start = after.astimezone(zone)
        day = start.date()
        while day.year <= start.year + _HORIZON_YEARS:
            if day.year in years and day.month in months and on_day(day):
                for hour in sorted(hours):
                    for minute in sorted(minutes):
                        local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
                        # A wall-clock time that the zone skips does not exist on that day.
                        exists = local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == local.replace(
                            tzinfo=None
                        )
                        if exists and local.astimezone(UTC) > after:
                            return local.astimezone(UTC)
            day += timedelta(days=1)
        return None

    return following


def _numbers(text: str, low: int, high: int, names: dict[str, int] | None = None) -> set[int]:
    def number(word: str) -> int:
        value = names[word] if names and word in names else int(word)
        if not low <= value <= high:
            raise ValueError(f"{word} is not within {low} to {high}")
        return value

    result: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        if span == "*":
            first, last = low, high
        elif "-" in span:
            first, last = (number(word) for word in span.split("-"))
        else:
            first = number(span)
            last = high if step else first
        result.update(range(first, last + 1, int(step or 1)))
    return result


def _day_of_month(text: str) -> Callable[[date], bool]:
    if text == "L":
        return lambda day: day.day == calendar.monthrange(day.year, day.month)[1]
    days = _numbers(text, 1, 31)
    return lambda day: day.day in days


def _day_of_week(text: str) -> Callable[[date], bool]:
    def weekday(day: date) -> int:
        return day.isoweekday() % 7 + 1

    if "#" in text:
        name, _, nth = text.partition("#")
        (wanted,) = _numbers(name, 1, 7, _DAYS)
        return lambda day: weekday(day) == wanted and (day.day - 1) // 7 + 1 == int(nth)
    if len(text) > 1 and text.endswith("L"):
        (last,) = _numbers(text[:-1], 1, 7, _DAYS)
        return lambda day: weekday(day) == last and day.day > calendar.monthrange(day.year, day.month)[1] - 7
    days = _numbers("SAT" if text == "L" else text, 1, 7, _DAYS)
    return lambda day: weekday(day) in days
