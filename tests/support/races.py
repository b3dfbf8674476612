"""Races on the real database: many connections, one start, every outcome kept."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from orchard.runtime.database import Connection

A = TypeVar("A")
T = TypeVar("T")
CONNECTIONS = 64


@dataclass(frozen=True)
class Outcome(Generic[A, T]):
    """What one attempt came to: a value or an error."""

    attempt: A
    value: T | None = None
    error: Exception | None = None


def race(
    attempts: Sequence[A], work: Callable[[Connection, A], T], *, connections: int = CONNECTIONS
) -> list[Outcome[A, T]]:
    """Run `work(connection, attempt)` for all attempts on that many connections at once.

    Each thread has its own Connection, opened before the common start. Returns outcomes in the order of ending.
    """
    remaining = iter(attempts)
    lock = threading.Lock()
    start = threading.Barrier(min(connections, len(attempts)))
    outcomes: list[Outcome[A, T]] = []
    threads = [
        threading.Thread(target=_runner, args=(start, lock, remaining, work, outcomes), daemon=True)
        for _ in range(start.parties)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(outcomes) != len(attempts):
        raise AssertionError(f"{len(attempts) - len(outcomes)} attempts ended without an outcome")
    return outcomes


def _runner(
    start: threading.Barrier,
    lock: threading.Lock,
    remaining: Iterator[A],
    work: Callable[[Connection, A], T],
    outcomes: list[Outcome[A, T]],
) -> None:
    connection = Connection()
    try:
        connection.get()
        start.wait(timeout=30)
        while True:
            with lock:
                attempt = next(remaining, _END)
            if isinstance(attempt, _End):
                return
            outcomes.append(_tried(connection, attempt, work))
    finally:
        connection.discard()


def _tried(connection: Connection, attempt: A, work: Callable[[Connection, A], T]) -> Outcome[A, T]:
    try:
        return Outcome(attempt, value=work(connection, attempt))
    except Exception as error:
        return Outcome(attempt, error=error)


class _End:
    """Marks that no attempt is left."""


_END = _End()


def values(outcomes: Sequence[Outcome[A, T]]) -> list[T]:
    """The values of the attempts that succeeded."""
    return [outcome.value for outcome in outcomes if outcome.error is None]  # type: ignore[misc]


def errors(outcomes: Sequence[Outcome[A, T]]) -> list[Exception]:
    """The errors of the attempts that failed."""
    return [outcome.error for outcome in outcomes if outcome.error is not None]
