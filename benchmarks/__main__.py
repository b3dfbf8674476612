"""`make bench`: every figure on one page, and as JSON and plot below benchmarks/results.

`make bench ARGS="orders catalog"` runs these parts alone; `make bench FULL=1` measures longer and on more data.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from benchmarks import machine, plot, report
from benchmarks.figures import Bench, Figures
from benchmarks.machine import OthersCpu
from benchmarks.registry import PARTS
from infra.local.mariadb import MariaDb
from orchard.runtime.database import connection
from orchard.runtime.logs import logger
from tests.support import environment
from tests.support.database import CACHE, NAME, migrate


def main(arguments: list[str] | None = None) -> int:
    """Run the wanted parts, all by default."""
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measure the bundle.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=" ".join(PARTS))
    parser.add_argument("--full", action="store_true", help="longer, and on more data")
    parser.add_argument("--name", default="latest.local", help="of the files below benchmarks/results")
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - PARTS.keys():
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    run = _Run(set(options.parts) or set(PARTS), full=options.full)
    run.everything()
    path = report.write(options.name, run.machine, run.parts)
    print(f"\nwritten to {path}, {plot.draw(path)}")
    return 0


class _Run:
    """One invocation: which parts, and what they came to."""

    def __init__(self, wanted: set[str], *, full: bool) -> None:
        self._wanted, self._full = wanted, full
        self.machine: dict[str, Any] = machine.describe()
        self.parts: dict[str, Any] = {}

    def everything(self) -> None:
        report.heading(self.machine)
        for name, part in PARTS.items():
            if name in self._wanted and part.without is not None:
                others = OthersCpu()
                self._keep(name, part.without(self._full), others)
        if any(PARTS[name].with_database for name in self._wanted):
            self._with_server()

    def _with_server(self) -> None:
        """A private server that flushes at every commit, as in production."""
        with tempfile.TemporaryDirectory() as folder, MariaDb(Path(folder), CACHE, durable=True) as server:
            self.machine["database"] = machine.database(server)
            for name, part in PARTS.items():
                if name in self._wanted and part.with_database is not None:
                    server.create_database(f"{NAME}_{name}", fresh=True)
                    environment.apply(environment.base_environment(server, f"{NAME}_{name}"))
                    connection.discard()
                    migrate(connection)
                    others = OthersCpu(Path(folder, "server.pid"))
                    with _functions_silent():
                        figures = part.with_database(Bench(connection, server, self._full))
                    self._keep(name, figures, others)
                    connection.discard()
                    _drop(server, f"{NAME}_{name}")

    def _keep(self, name: str, figures: Figures, others: OthersCpu) -> None:
        cores = others.cores()
        report.show(PARTS[name].title, figures, cores)
        self.parts[name] = report.part(PARTS[name].title, figures, cores, full=self._full)


@contextmanager
def _functions_silent() -> Iterator[None]:
    """Functions write logs and metrics to standard output, which is the page's here."""
    logger.setLevel("CRITICAL")
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        yield


def _drop(server: MariaDb, database: str) -> None:
    with server.connect() as link, link.cursor() as cursor:
        cursor.execute(f"DROP DATABASE `{database}`")


if __name__ == "__main__":
    sys.exit(main())
