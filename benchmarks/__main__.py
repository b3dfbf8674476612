"""`make bench`: every figure, printed and written to benchmarks/results.

ARGS picks parts: imports layers orders catalog coupons group_buy.
"""

import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import catalog, coupons, group_buy, imports, layers, orders
from infra.local.mariadb import MariaDb
from orchard.runtime.database import connection
from tests.support import environment
from tests.support.database import CACHE, NAME, migrate

RESULTS = Path(__file__).parent / "results"
Figures = dict[str, float | int | str]
_WITHOUT_DATABASE: dict[str, Callable[[], Figures]] = {"imports": imports.run, "layers": layers.run}
_WITH_DATABASE = {"orders": orders.run, "catalog": catalog.run, "coupons": coupons.run,
                  "group_buy": group_buy.run}  # fmt: skip


def main(wanted: list[str]) -> int:
    """Run the wanted parts, all by default."""
    parts = wanted or [*_WITHOUT_DATABASE, *_WITH_DATABASE]
    unknown = set(parts) - {*_WITHOUT_DATABASE, *_WITH_DATABASE}
    if unknown:
        print(f"no such part: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    results = {name: _show(name, run()) for name, run in _WITHOUT_DATABASE.items() if name in parts}
    if set(parts) & set(_WITH_DATABASE):
        results.update(_with_database(parts))
    _write(results)
    return 0


def _with_database(parts: list[str]) -> dict[str, Figures]:
    """A private server that flushes at every commit, as in production; each part on a database of its own."""
    with tempfile.TemporaryDirectory() as folder, MariaDb(Path(folder), CACHE, durable=True) as server:
        results = {}
        for name, run in _WITH_DATABASE.items():
            if name in parts:
                server.create_database(f"{NAME}_{name}")
                environment.apply(environment.base_environment(server, f"{NAME}_{name}"))
                connection.discard()
                migrate(connection)
                results[name] = _show(name, run(connection))
    return results


def _show(part: str, figures: Figures) -> Figures:
    print(f"\n{part}", flush=True)
    for name, value in figures.items():
        print(f"  {name:<76} {value}", flush=True)
    return figures


def _write(results: dict[str, Figures]) -> None:
    machine = {"cpus": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
    path = RESULTS / "latest.local.json"
    RESULTS.mkdir(exist_ok=True)
    text = {"measured_at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine, "results": results}
    path.write_text(json.dumps(text, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    print(f"\nwritten to {path.relative_to(Path.cwd())}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
