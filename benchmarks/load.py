"""Load from one process per connection, as warm functions would give it; bounded in time, started together."""

import multiprocessing
import time
from collections.abc import Callable, Mapping
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.machine import cpu_seconds
from orchard.runtime.database import Connection, Tx

# Called once in each process with its connection and number; returns the thing to repeat.
Setup = Callable[[Connection, int], Callable[[], None]]
_context = multiprocessing.get_context("fork")


class Distant(Connection):
    """A database so many seconds away: every round trip begins with a pause."""

    def __init__(self, seconds: float, transactions: type[Tx] = Tx) -> None:
        super().__init__()
        self._seconds, self._transactions = seconds, transactions

    def get(self) -> Any:
        """The connection, as late as a network would have it."""
        if self._seconds:
            time.sleep(self._seconds)
        return super().get()

    def transaction(self) -> Tx:
        """A transaction of the given kind."""
        return self._transactions(self)


class Load(NamedTuple):
    """One case: what each of so many connections repeats, over which distance, by which transactions."""

    setup: Setup
    connections: int
    distance_seconds: float = 0.0
    transactions: type[Tx] = Tx


class Rate(NamedTuple):
    """Repetitions a second over all connections, and what each cost in milliseconds: CPU on both sides, latency."""

    per_second: float
    client_cpu_ms: float
    server_cpu_ms: float
    p50_ms: float
    p99_ms: float


def rate(case: Load, seconds: float) -> Rate:
    """Run one case once, each connection in a process of its own."""
    pipes = [_context.Pipe(duplex=False) for _ in range(case.connections)]
    barrier = _context.Barrier(case.connections + 1)
    workers = [
        _context.Process(target=_work, args=(case, number, seconds, barrier, sender))
        for number, (_, sender) in enumerate(pipes)
    ]
    for worker in workers:
        worker.start()
    barrier.wait(120)
    pid = server_pid()
    before = cpu_seconds(pid)
    # Received before joining: a worker ends once its figures are taken.
    told = [receiver.recv() if receiver.poll(seconds + 60) else None for receiver, _ in pipes]
    server = cpu_seconds(pid) - before
    for worker in workers:
        worker.join(30)
    results = [one for one in told if one is not None]
    if len(results) < case.connections:
        raise RuntimeError("a load process failed")
    times = sorted(taken for _, latencies in results for taken in latencies)
    cpu = sum(used for used, _ in results) / len(times) * 1000
    return Rate(len(times) / seconds, cpu, server / len(times) * 1000, _at(times, 0.5), _at(times, 0.99))


def server_pid() -> int:
    """Of the server that the settings name: it runs here, and wrote its process id beside its socket."""
    row = Connection().run(lambda tx: tx.row("SELECT @@pid_file AS path"))
    return int(Path(row["path"]).read_text(encoding="utf-8")) if row else 0


def _at(times: list[float], share: float) -> float:
    return times[min(len(times) - 1, int(len(times) * share))] * 1000


def _work(case: Load, number: int, seconds: float, barrier: Barrier, sender: Any) -> None:
    act = case.setup(Distant(case.distance_seconds, case.transactions), number)
    act()
    barrier.wait(120)
    latencies = []
    began = time.process_time()
    now = time.perf_counter()
    deadline = now + seconds
    while now < deadline:
        act()
        after = time.perf_counter()
        latencies.append(after - now)
        now = after
    sender.send((time.process_time() - began, latencies))


def alternate(cases: Mapping[str, Load], rounds: int = 3, seconds: float = 2.0) -> dict[str, list[Rate]]:
    """The rates of each case, all cases in turn in every round, so that a noisy moment hits them alike."""
    samples: dict[str, list[Rate]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            samples[name].append(rate(case, seconds))
    return samples


def per_second(rates: list[Rate]) -> list[float]:
    """The throughput of every round."""
    return [one.per_second for one in rates]
