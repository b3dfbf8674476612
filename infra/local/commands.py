"""What `python -m infra.local` can do."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.local import shopfront
from infra.local.cloud import LocalCloud
from infra.local.invoke import invoke
from infra.local.processes import FolderLock, LocalCloudError, is_alive, tail, wait_until

_DRAIN_SECONDS = 60
_LOG_LINES = 40


def say(text: str) -> None:
    """A line for the person at the console, at once."""
    print(text, flush=True)


def run(data: Path) -> int:
    """Start everything, load the demo shop, play a purchase, serve until interrupted."""
    began = time.monotonic()
    say(f"Starting the shop on {data} ...")
    with LocalCloud(data, report=say) as cloud:
        loaded = data / "demo-shop"
        if not loaded.exists():
            say("Loading the demo shop ...")
            shopfront.load(cloud)
            loaded.touch()
        say("Playing one purchase ...")
        try:
            shopfront.purchase(cloud, say)
        except Exception as error:
            say(f"  The purchase failed: {error}\n  The functions' log: {cloud.logs / 'functions.log'}")
        _announce(cloud, time.monotonic() - began)
        while (part := cloud.dead()) is None:
            time.sleep(1)
        say(f"The {part} has ended by itself; its log is in {cloud.logs}. Stopping.")
    return 1


def _announce(cloud: LocalCloud, seconds: float) -> None:
    say(f"\nReady after {seconds:.0f} s. Ctrl-C stops it; the data stays in {cloud.data_dir} (make reset begins anew).")
    rows = [
        ("API for the mini-program", cloud.api_url),
        ("try it in the browser", f"{cloud.api_url}/docs"),
        ("callbacks from WeChat", cloud.callback_url),
        ("the shopper's WeChat", f"{cloud.sandbox_url}/sandbox/"),
        ("logs", str(cloud.logs)),
        ("fire a job", "make fire JOB=close_unpaid_orders"),
    ]
    for name, value in rows:
        say(f"  {name:<26} {value}")


def demo() -> int:
    """One purchase and two group-buys in a throw-away folder, then the invariants; 0 only if all is well."""
    say("Starting a throw-away shop ...")
    with tempfile.TemporaryDirectory(prefix="orchard-demo-") as folder:
        logs = Path(folder) / "logs" / "functions.log"
        try:
            with LocalCloud(Path(folder), durable=False, schedules=False, report=say) as cloud:
                say("Loading the demo shop ...")
                shopfront.load(cloud)
                say("Playing one purchase ...")
                shopfront.purchase(cloud, say)
                say("Playing two group-buys ...")
                shopfront.group_buys(cloud, say)
                _settle(cloud)
                broken = shopfront.violations(cloud.database_environment(), say)
        except Exception:
            say(f"The end of the functions' log:\n{tail(logs, _LOG_LINES)}")
            raise
    say("The demo failed." if broken else "All is well.")
    return 1 if broken else 0


def _settle(cloud: LocalCloud) -> None:
    """Publish what the purchase left in the outbox, and let the queues run dry."""
    cloud.fire("relay_outbox")
    if not wait_until(lambda: cloud.waiting_messages() == 0, seconds=_DRAIN_SECONDS):
        raise LocalCloudError(f"{cloud.waiting_messages()} messages were not handled within {_DRAIN_SECONDS} s")


def reset(data: Path) -> int:
    """Delete the shop's data."""
    if data.exists():
        FolderLock(data, wait_seconds=10).release()
        shutil.rmtree(data)
    say(f"{data} is empty: the next make run begins anew.")
    return 0


def fire(data: Path, name: str, payload: Any) -> int:
    """Invoke one function of the running cloud and print its answer."""
    result = invoke(_running(data)["invoke_port"], name, payload)
    say(json.dumps(result.answer, ensure_ascii=False, indent=2))
    return 1 if result.failed else 0


def status(data: Path) -> int:
    """Say what runs where; 1 when nothing does."""
    state = _state(data)
    if not state:
        say(f"Nothing runs on {data}.")
        return 1
    say(f"Running on {data} as process {state['pid']}.")
    for name, url in {**state["apis"], "WeChat sandbox": state["sandbox_url"], "AWS": state["aws_url"]}.items():
        say(f"  {name:<18} {url}")
    return 0


def invariants(data: Path) -> int:
    """Check the books, of the running cloud or of the data at rest."""
    with database(data) as environment:
        return 1 if shopfront.violations(environment, say) else 0


def execute(data: Path, command: list[str]) -> int:
    """Run a command with the settings of the shop's database."""
    with database(data) as environment:
        return subprocess.run(command, env=os.environ | environment, check=False).returncode


@contextlib.contextmanager
def database(data: Path) -> Iterator[dict[str, str]]:
    """The settings of the running cloud's database; starts the cloud for the time being where none runs."""
    state = _state(data)
    if state:
        yield state["database"]
        return
    with LocalCloud(data, schedules=False, pollers=False, workers=1, report=_silent) as cloud:
        yield cloud.database_environment()


def shopper(data: Path, arguments: list[str]) -> int:
    """Act as the shopper's WeChat at the running cloud's sandbox."""
    from infra.local.wechat_sandbox.shopper import main

    return main(["--url", _running(data)["sandbox_url"], *(arguments or ["pending"])])


def _silent(_text: str) -> None:
    """For clouds that run only in passing."""


def _running(data: Path) -> dict[str, Any]:
    state = _state(data)
    if not state:
        raise LocalCloudError(f"Nothing runs on {data}. Start it in another terminal: make run")
    return state


def _state(data: Path) -> dict[str, Any] | None:
    path = data / "state.json"
    if not path.exists():
        return None
    state: dict[str, Any] = json.loads(path.read_text())
    return state if is_alive(state["pid"]) else None
