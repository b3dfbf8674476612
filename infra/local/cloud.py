"""The whole bundle on one machine: database, AWS, WeChat sandbox, gateway, scheduler and queue pollers together."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from infra.local.aws import LocalAws
from infra.local.bundle import Bundle
from infra.local.intrinsics import Resolver
from infra.local.invoke import Invocation, invoke
from infra.local.mariadb import MariaDb
from infra.local.poller import Poller
from infra.local.ports import Ports
from infra.local.processes import (
    Child,
    FolderLock,
    LocalCloudError,
    Startable,
    accepts_connections,
    tail,
    wait_until,
    write_private,
)
from infra.local.scheduler import Scheduler
from infra.local.shop import DATABASE, Installation, Place, install_shop, kept_secrets
from infra.local.template import Surroundings, api_names, read_template, resolver
from infra.local.wechat_sandbox.config import SandboxConfig

ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 60.0
_LOG_BYTES = 20_000_000


class LocalCloud(Startable):
    """A context manager; everything it starts ends with it, and with this process however that one ends.

    `schedules` and `pollers` off leave jobs and queues to the caller (`fire`). `install` gives the template's
    parameters and secrets, `gateway` names the WSGI application. The data folder keeps the database, the sandbox's
    books, secrets and ports.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        cache_dir: Path = ROOT / ".cache",
        template: Path = ROOT / "template.yaml",
        install: Callable[[Place], Installation] = install_shop,
        durable: bool = True,
        schedules: bool = True,
        pollers: bool = True,
        workers: int = 4,
        database_options: Sequence[str] = (),
        gateway: str = "infra.local.gunicorn_conf:app()",
        report: Callable[[str], None] = print,
    ) -> None:
        self.data_dir, self._cache, self._template = data_dir.absolute(), cache_dir.absolute(), template.absolute()
        self._install, self._workers, self._report = install, workers, report
        self._durable, self._database_options, self._gateway = durable, database_options, gateway
        self._schedules, self._pollers = schedules, pollers
        self.logs = self.data_dir / "logs"
        self._undo = contextlib.ExitStack()
        self.urls: dict[str, str] = {}
        self.sandbox_url, self.invoke_port = "", 0
        self.mariadb: MariaDb
        self.aws: LocalAws
        self.bundle: Bundle
        self.resolver: Resolver
        self.merchant: dict[str, Any] = {}
        self.queue_urls: dict[str, str] = {}
        self._children: dict[str, Callable[[], bool]] = {}

    @property
    def api_url(self) -> str:
        """Base URL of the template's first HTTP API: what the mini-program calls."""
        return next(iter(self.urls.values()))

    @property
    def callback_url(self) -> str:
        """Base URL of the API that WeChat calls."""
        return self.urls["CallbackApi"]

    def start(self) -> None:
        """Start everything and run the deployment's functions.

        Raises LocalCloudError (AlreadyRunningError when the data folder is in use), with nothing left running.
        """
        try:
            self._lock()
            self._start_surroundings()
            self._read_bundle()
            self._start_gateway()
            self._deploy()
            self._start_triggers()
            self._write_state()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End everything in the reverse order; returns when nothing is left."""
        self._undo.close()
        self._children.clear()

    def fire(self, name: str, payload: Any = None) -> Any:
        """Invoke a function by its name (close_unpaid_orders) and return its answer.

        Raises LocalCloudError when it fails or is unknown.
        """
        result = invoke(self.invoke_port, name, {} if payload is None else payload)
        if result.failed:
            raise LocalCloudError(f"{name} failed: {result.error_text} (log: {self.logs / 'functions.log'})")
        return result.answer

    def database_environment(self) -> dict[str, str]:
        """The settings with which the shop's own code reaches this database from outside a function."""
        return {
            "ORCHARD_DATABASE_HOST": self.mariadb.host,
            "ORCHARD_DATABASE_PORT": str(self.mariadb.port),
            "ORCHARD_DATABASE_NAME": DATABASE,
            "ORCHARD_DATABASE_USER": self.mariadb.user,
            "ORCHARD_DATABASE_PASSWORD": self.mariadb.password,
        }

    def waiting_messages(self) -> int:
        """How many messages the functions have yet to handle, those under way included."""
        return self.aws.waiting_messages(self.queue_urls[item.queue] for item in self.bundle.subscriptions)

    def dead(self) -> str | None:
        """The name of a part that has ended by itself, if any."""
        return next((name for name, running in self._children.items() if not running()), None)

    def _lock(self) -> None:
        # Keys, personal data: nobody else on this machine is to read them.
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FolderLock(self.data_dir)
        self._undo.callback(lock.release)
        self._ports = Ports(self.data_dir)
        self.logs.mkdir(exist_ok=True)
        for log in self.logs.glob("*.log"):
            if log.stat().st_size > _LOG_BYTES:
                log.replace(log.with_suffix(".log.1"))

    def _start_surroundings(self) -> None:
        port = self._ports.choose("aws")
        self.aws = LocalAws(self.data_dir / "aws", self.logs / "aws.log", Surroundings.region, port=port)
        self._undo.callback(self.aws.stop)
        self.aws.launch()
        self._start_sandbox()
        self._start_database()
        self._wait_for("WeChat sandbox", int(self.sandbox_url.rsplit(":", 1)[1]))
        self._step("WeChat sandbox", f"{self.sandbox_url}/sandbox/")
        self.aws.wait_ready()
        self._children["AWS"] = self.aws.running
        self._step("AWS (moto)", self.aws.url)

    def _start_sandbox(self) -> None:
        port = self._ports.choose("sandbox")
        folder = self.data_dir / "sandbox"
        self.merchant = SandboxConfig.load_or_generate(folder).merchant_secret()
        self.sandbox_url = f"http://127.0.0.1:{port}"
        arguments = ["-m", "infra.local.wechat_sandbox", "--data-dir", str(folder), "--port", str(port)]
        self._spawn("WeChat sandbox", arguments, "sandbox.log", grace_seconds=5)

    def _start_database(self) -> None:
        port = self._ports.choose("database")
        self.mariadb = MariaDb(
            self.data_dir / "mariadb", self._cache, durable=self._durable, port=port, options=self._database_options
        )
        self._undo.callback(self.mariadb.stop)
        self.mariadb.start()
        self.mariadb.create_database(DATABASE)
        self._children["MariaDB"] = self.mariadb.running
        self._step("MariaDB", f"{self.mariadb.host}:{self.mariadb.port} as {self.mariadb.user}")

    def _read_bundle(self) -> None:
        names = api_names(self._template)
        self.urls = {name: f"http://127.0.0.1:{self._ports.choose(name)}" for name in names}
        place = Place(self.mariadb, self.urls, self.sandbox_url, self.merchant, kept_secrets(self.data_dir))
        installation = self._install(place)
        for name, value in installation.secrets.items():
            self.aws.put_secret(name, value)
        surroundings = Surroundings(
            queue_base=self.aws.url,
            api_urls=self.urls,
            secret=lambda name, key: str(installation.secrets[name][key]),
        )
        self.bundle = read_template(self._template, installation.parameters, surroundings)
        self.resolver = resolver(self._template, installation.parameters, surroundings)
        self.queue_urls = self.aws.create_queues(self.bundle)
        self.aws.restore_messages(self.queue_urls)

    def _start_gateway(self) -> None:
        self.invoke_port = self._ports.choose("invoke")
        self.bundle.save(self.data_dir / "bundle.json")
        settings = {
            "bundle": str(self.data_dir / "bundle.json"),
            "environment": self.aws.environment,
            "apis": {url.rsplit(":", 1)[1]: name for name, url in self.urls.items()},
            "document": str(self._template.parent / "docs" / "openapi.json"),
        }
        write_private(self.data_dir / "gateway.json", json.dumps(settings))
        binds = [*(url.removeprefix("http://") for url in self.urls.values()), f"127.0.0.1:{self.invoke_port}"]
        arguments = ["-m", "gunicorn", "-c", "python:infra.local.gunicorn_conf", "-w", str(self._workers)]
        arguments += [item for bind in binds for item in ("-b", bind)]
        arguments.append(self._gateway)
        self._spawn(
            "gateway",
            arguments,
            "functions.log",
            grace_seconds=10,
            environment={"ORCHARD_LOCAL_GATEWAY": str(self.data_dir / "gateway.json")},
        )
        self._wait_for("gateway", self.invoke_port)
        for name, url in self.urls.items():
            self._step(name, url)

    def _deploy(self) -> None:
        for name in self.bundle.hooks:
            answer = self.fire(name)
            self._step(self.bundle.function(name).short_name, json.dumps(answer, ensure_ascii=False))

    def _start_triggers(self) -> None:
        # Entered first, so left last: what queues still hold is saved when nothing reads or fills them any more.
        self._undo.callback(self._save_messages)
        pollers: list[Poller] = []
        for subscription in self.bundle.subscriptions if self._pollers else []:
            if subscription.enabled:
                url = self.queue_urls[subscription.queue]
                poller = Poller(self.bundle, subscription, url, self.aws.sqs(), self._invoke, self._report)
                poller.start()
                self._undo.callback(poller.stop)
                pollers.append(poller)
        # So that they end their waits together, not one after the other.
        for poller in pollers:
            self._undo.callback(poller.wind_down)
        if self._schedules:
            scheduler = Scheduler(self.bundle, self._invoke, self._report)
            scheduler.start()
            self._undo.callback(scheduler.stop)

    def _save_messages(self) -> None:
        if self.aws.running():
            self.aws.save_messages(self.bundle, self.queue_urls)

    def _invoke(self, function: str, event: Any) -> Invocation:
        result = invoke(self.invoke_port, function, event)
        if result.failed:
            self._report(f"{function} failed: {result.error_text} (log: {self.logs / 'functions.log'})")
        return result

    def _spawn(
        self,
        name: str,
        arguments: Sequence[str],
        log: str,
        *,
        grace_seconds: float,
        environment: dict[str, str] | None = None,
    ) -> None:
        python_path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        child = Child(
            [sys.executable, *arguments],
            log=self.logs / log,
            environment={**os.environ, "PYTHONPATH": python_path, "PYTHONUNBUFFERED": "1", **(environment or {})},
            grace_seconds=grace_seconds,
        )
        self._undo.callback(child.stop)
        self._children[name] = child.running

    def _wait_for(self, name: str, port: int) -> None:
        if not wait_until(lambda: accepts_connections(port), seconds=_START_SECONDS, alive=self._children[name]):
            log = self.logs / {"gateway": "functions.log"}.get(name, "sandbox.log")
            raise LocalCloudError(f"The {name} did not start on port {port}. Its log, {log}:\n{tail(log)}")

    def _step(self, name: str, text: str) -> None:
        self._report(f"  {name:<18} {text}")

    def _write_state(self) -> None:
        state = {
            "pid": os.getpid(),
            "apis": self.urls,
            "sandbox_url": self.sandbox_url,
            "invoke_port": self.invoke_port,
            "aws_url": self.aws.url,
            "database": self.database_environment(),
        }
        path = self.data_dir / "state.json"
        write_private(path, json.dumps(state, indent=1))
        self._undo.callback(path.unlink, missing_ok=True)
