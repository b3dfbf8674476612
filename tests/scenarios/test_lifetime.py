"""The shop as a newcomer runs it: one command starts it, Ctrl-C ends all of it, and the next start finds its data."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql
import pytest

from infra.demo.shop_client import ShopClient
from infra.local.cloud import ROOT
from infra.local.processes import wait_until

_START_SECONDS = 90
_SECOND_START_SECONDS = 45


def _processes_of(folder: Path) -> set[str]:
    """Processes that name this folder in their command line or environment."""
    found = set()
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                text = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            except OSError:
                continue
            if str(folder).encode() in text:
                found.add(process.name)
    return found


@contextmanager
def _shop_on(folder: Path, said: list[str]) -> Iterator["subprocess.Popen[str]"]:
    """`make run`'s command on a folder, once it serves; ended by the test, or killed with it."""
    environment = {**os.environ, "PYTHONPATH": f"layers/common{os.pathsep}."}
    command = [sys.executable, "-m", "infra.local", "--data", str(folder), "run"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                said.append(line.rstrip())
                if "make fire" in line:
                    break
            assert process.poll() is None, said
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def _orders(folder: Path) -> list[str]:
    """Order numbers in the running shop's database."""
    reach = json.loads((folder / "state.json").read_text())["database"]
    with pymysql.connect(
        host=reach["ORCHARD_DATABASE_HOST"], port=int(reach["ORCHARD_DATABASE_PORT"]), ssl_disabled=True,
        user=reach["ORCHARD_DATABASE_USER"], password=reach["ORCHARD_DATABASE_PASSWORD"],
        database=reach["ORCHARD_DATABASE_NAME"],
    ) as connection, connection.cursor() as cursor:  # fmt: skip
        cursor.execute("SELECT order_number FROM orders ORDER BY id")
        return [str(number) for (number,) in cursor.fetchall()]


def _seconds_to_ready(said: list[str]) -> int:
    (found,) = (match for line in said if (match := re.search(r"Ready after (\d+) s", line)))
    return int(found[1])


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_shop_starts_in_an_empty_folder_ends_whole_and_starts_again_with_its_data(tmp_path: Path) -> None:
    folder, first, second = tmp_path / "data", list[str](), list[str]()
    with _shop_on(folder, first) as process:
        assert _seconds_to_ready(first) < _START_SECONDS
        assert any("TO_SHIP" in line for line in first), first
        orders = _orders(folder)
        assert len(orders) == 1
        assert len(_processes_of(folder)) > 3
        process.send_signal(signal.SIGINT)
        assert process.stdout is not None
        rest = process.stdout.read()
        assert process.wait(60) == 0, rest
        assert "Everything has stopped." in rest
    assert _processes_of(folder) == set()

    with _shop_on(folder, second) as process:
        assert _seconds_to_ready(second) < _SECOND_START_SECONDS
        assert not any("Loading the demo shop" in line for line in second)
        assert _orders(folder)[:1] == orders
        state = json.loads((folder / "state.json").read_text())
        assert ShopClient(state["apis"]["MiniProgramApi"]).call("GET", "/products")["products"]
        process.kill()
    assert wait_until(lambda: _processes_of(folder) == set(), seconds=30)
