"""Load from one process per connection, as warm functions would give it; bounded in time, started together."""

import multiprocessing
import statistics
import time
from collections.abc import Callable, Mapping
from multiprocessing.synchronize import Barrier
from typing import Any

from orchard.runtime.database import Connection

# Called once in each process with its connection and number; returns the thing to repeat.
Setup = Callable[[Connection, int], Callable[[], None]]
_context = multiprocessing.get_context("fork")


def rate(setup: Setup, connections: int, seconds: float = 2.0) -> float:
    """Repetitions a second over all connections, each in a process of its own."""
    counts: Any = _context.Array("q", connections)
    barrier = _context.Barrier(connections + 1)
    workers = [
        _context.Process(target=_work, args=(setup, number, seconds, barrier, counts)) for number in range(connections)
    ]
    for worker in workers:
        worker.start()
    barrier.wait(60)
    for worker in workers:
        worker.join(seconds + 60)
    if any(worker.exitcode for worker in workers):
        raise RuntimeError("a load process failed")
    return float(sum(counts[:])) / seconds


def _work(setup: Setup, number: int, seconds: float, barrier: Barrier, counts: Any) -> None:
    act = setup(Connection(), number)
    act()
    barrier.wait(60)
    deadline = time.perf_counter() + seconds
    done = 0
    while time.perf_counter() < deadline:
        act()
        done += 1
    counts[number] = done


def alternate(cases: Mapping[str, tuple[Setup, int]], rounds: int = 3, seconds: float = 2.0) -> dict[str, float]:
    """The median rate of each case, all cases in turn in every round, so that a noisy moment hits them alike."""
    samples: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, (setup, connections) in cases.items():
            samples[name].append(rate(setup, connections, seconds))
    return {name: statistics.median(values) for name, values in samples.items()}
