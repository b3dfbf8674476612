"""A second set of the bundle's functions, with a clock of its own, over the same database and queues."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.cloud import ROOT, LocalCloud
from infra.local.invoke import invoke
from infra.local.processes import Child, accepts_connections, free_port, wait_until, write_private

_FOLDER = Path(__file__).parent
_START_SECONDS = 60


@dataclass(frozen=True)
class SkewedFunctions:
    """Where functions with a shifted clock answer."""

    api_url: str
    callback_url: str
    invoke_port: int

    def fire(self, name: str, payload: Any = None) -> Any:
        """Start one of them; its answer. AssertionError when it fails."""
        result = invoke(self.invoke_port, name, payload or {})
        assert not result.failed, result.error_text
        return result.answer


@contextmanager
def skewed(cloud: LocalCloud, seconds: float) -> Iterator[SkewedFunctions]:
    """The functions of a running cloud once more, `seconds` ahead of its database and of WeChat."""
    ports = {name: free_port() for name in (*cloud.urls, "invoke")}
    settings = json.loads((cloud.data_dir / "gateway.json").read_text())
    settings["apis"] = {str(ports[name]): name for name in cloud.urls}
    place = cloud.data_dir / f"gateway-skewed-{ports['invoke']}.json"
    write_private(place, json.dumps(settings))
    command = [sys.executable, "-m", "gunicorn", "-c", "python:infra.local.gunicorn_conf", "-w", "2"]
    command += [item for port in ports.values() for item in ("-b", f"127.0.0.1:{port}")]
    environment = {
        **os.environ, "ORCHARD_LOCAL_GATEWAY": str(place), "ORCHARD_CAMPAIGN_SKEW_SECONDS": str(seconds),
        "PYTHONPATH": os.pathsep.join([str(_FOLDER), str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }  # fmt: skip
    log = cloud.logs / "skewed.log"
    child = Child([*command, "infra.local.gunicorn_conf:app()"], log=log, environment=environment)
    try:
        assert wait_until(lambda: accepts_connections(ports["invoke"]), seconds=_START_SECONDS, alive=child.running), (
            log.read_text()[-2000:]
        )
        urls = [f"http://127.0.0.1:{ports[name]}" for name in cloud.urls]
        yield SkewedFunctions(urls[0], f"http://127.0.0.1:{ports['CallbackApi']}", ports["invoke"])
    finally:
        child.stop()
