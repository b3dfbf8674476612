"""The one injectable clock. UTC everywhere; business days are Asia/Shanghai.

Expiry is decided by database time inside the transaction; this clock serves signatures, ids and display.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone

# China has had one zone without daylight saving since 1991, so a fixed offset is exact for every shop date.
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")


def _system_now() -> datetime:
    return datetime.now(UTC)


_now: Callable[[], datetime] = _system_now


def utc_now() -> datetime:
    """The current time, aware, UTC."""
    return _now()


def business_date(moment: datetime) -> date:
    """The Asia/Shanghai calendar day of an aware moment."""
    return moment.astimezone(SHANGHAI).date()


def from_database(value: datetime) -> datetime:
    """A naive UTC `DATETIME(6)` as an aware datetime."""
    return value.replace(tzinfo=UTC)


def to_database(moment: datetime) -> datetime:
    """An aware moment as the naive UTC value stored in `DATETIME(6)`; refuses naive input (ValueError)."""
    if moment.tzinfo is None:
        raise ValueError("naive datetime")
    return moment.astimezone(UTC).replace(tzinfo=None)


@contextmanager
def shifted(seconds: float) -> Iterator[None]:
    """Run with the clock moved by `seconds`; for tests and drills of clock skew."""
    global _now  # noqa: PLW0603 - the clock is injected process-wide on purpose
    previous = _now
    _now = lambda: previous() + timedelta(seconds=seconds)  # noqa: E731
    try:
        yield
    finally:
        _now = previous
