"""A private MariaDB server in a folder of its own; the system's service, settings and data are not touched."""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pymysql

from infra.local.mariadb_template import FAST, base_command, template_folder
from infra.local.processes import (
    Child,
    FolderLock,
    LocalCloudError,
    Startable,
    free_port,
    tail,
    wait_until,
    write_private,
)
from infra.local.server_binaries import ServerBinaries, ensure_server

__all__ = ["MariaDb", "ServerBinaries", "ensure_server"]

_START_SECONDS = 60.0
_ATTEMPTS = 3
_SETTINGS = (
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_bin",
    "--sql-mode=STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION",
    "--transaction-isolation=READ-COMMITTED",
    "--default-time-zone=+00:00",
    "--max-connections=400",
    # As a deployment sets it: whoever waits longer for a row is answered before the function's own time is over.
    "--innodb-lock-wait-timeout=4",
    "--max-allowed-packet=64M",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--skip-symbolic-links",
    "--local-infile=0",
)
_DURABLE = ("--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=256M", "--innodb-log-file-size=96M")


class MariaDb(Startable):
    """One server on one data folder, on the loopback interface and a unix socket.

    `durable=False` gives up safety against power cuts for speed (tests). `options` are further server flags and
    win over ours. The user is made at each start; its password is generated with the data folder and kept in it.
    """

    host = "127.0.0.1"
    user = "orchard"
    name = "MariaDB"

    def __init__(
        self,
        data_dir: Path,
        cache_dir: Path,
        *,
        durable: bool = True,
        port: int | None = None,
        options: Sequence[str] = (),
    ) -> None:
        self._folder = data_dir.absolute()
        self._cache = cache_dir.absolute()
        self._durable = durable
        self._options = tuple(options)
        self._fixed_port = port is not None
        self.port = port or free_port()
        self.password = ""
        self.log = self._folder / "error.log"
        self._child: Child | None = None
        self._lock: FolderLock | None = None
        self._socket_folder: Path | None = None

    @property
    def socket(self) -> Path:
        """The unix socket; in a temporary folder where the data folder's path is too long for one."""
        path = self._folder / "server.sock"
        if len(os.fsencode(path)) <= 100:
            return path
        if self._socket_folder is None:
            self._socket_folder = Path(tempfile.mkdtemp(prefix="orchard-"))
        return self._socket_folder / "server.sock"

    def start(self) -> None:
        """Start, recovering whatever an unclean end left; returns when the user can log in.

        Raises AlreadyRunningError while another server holds the folder, LocalCloudError with the log's end when
        the server does not come up.
        """
        binaries = self._binaries()
        self._lock = lock = FolderLock(self._folder)
        try:
            self._prepare_data(binaries)
            self._launch(binaries, lock)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """A clean shutdown; everything committed is in the data files."""
        if self._child:
            self._child.stop()
        self._cleanup()

    def kill(self) -> None:
        """SIGKILL, for fault tests. `start` afterwards recovers, on the same port."""
        if self._child:
            self._child.kill()
        self._cleanup()

    def running(self) -> bool:
        return self._child is not None and self._child.running()

    def connect(self, database: str | None = None, **arguments: Any) -> pymysql.Connection[Any]:
        """A new connection, autocommit off, in UTC."""
        return pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            database=database,
            charset="utf8mb4",
            ssl_disabled=True,
            **arguments,
        )

    def create_database(self, name: str, *, fresh: bool = False) -> None:
        """Make a database if there is none of that name; `fresh` drops an existing one first."""
        if not re.fullmatch(r"\w+", name):
            raise ValueError(f"not a database name: {name!r}")
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            if fresh:
                cursor.execute(f"DROP DATABASE IF EXISTS `{name}`")
            cursor.execute(f"CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")

    def _binaries(self) -> ServerBinaries:
        return ensure_server(self._cache)

    def _template(self, binaries: ServerBinaries) -> Path:
        return template_folder(binaries, self._cache)

    def _flags(self, binaries: ServerBinaries, data: Path) -> list[str]:
        """The command without what is the same for every flavour: addresses and files."""
        return [*base_command(binaries, data), *_SETTINGS, *(_DURABLE if self._durable else FAST)]

    def _prepare_data(self, binaries: ServerBinaries) -> None:
        data = self._folder / "data"
        if not data.is_dir():
            copy = self._folder / "data.new"
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(self._template(binaries), copy)
            copy.rename(data)
        account = self._folder / "account.json"
        if not account.exists():
            write_private(account, json.dumps({"password": secrets.token_urlsafe(24)}))
        self.password = json.loads(account.read_text())["password"]

    def _launch(self, binaries: ServerBinaries, lock: FolderLock) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            mark = self.log.stat().st_size if self.log.exists() else 0
            self._spawn(binaries, lock)
            if wait_until(self._accepts_logins, seconds=_START_SECONDS, alive=self.running):
                (self._folder / "init.sql").unlink(missing_ok=True)
                return
            output = tail(self.log) if self.log.stat().st_size > mark else "(no output)"
            if self._child:
                self._child.stop()
            if "in use" not in output or self._fixed_port or attempt == _ATTEMPTS:
                raise LocalCloudError(f"{self.name} did not start on port {self.port}. Its log, {self.log}:\n{output}")
            self.port = free_port()

    def _spawn(self, binaries: ServerBinaries, lock: FolderLock) -> None:
        self.socket.unlink(missing_ok=True)
        write_private(self._folder / "init.sql", self._account_sql())
        # Not the system's: a server that starts clears away other servers' temporary tables there.
        (self._folder / "tmp").mkdir(exist_ok=True)
        command = [
            *self._flags(binaries, self._folder / "data"),
            f"--bind-address={self.host}",
            f"--port={self.port}",
            f"--socket={self.socket}",
            f"--pid-file={self._folder / 'server.pid'}",
            f"--tmpdir={self._folder / 'tmp'}",
            f"--init-file={self._folder / 'init.sql'}",
            *self._options,
        ]
        self._child = Child(
            command,
            log=self.log,
            environment=binaries.environment(),
            grace_seconds=60,
            keep_fds=[lock.fd],
        )

    def _account_sql(self) -> str:
        accounts = [f"'{self.user}'@'{host}'" for host in ("127.0.0.1", "localhost")]
        identified = ", ".join(f"{account} IDENTIFIED BY '{self.password}'" for account in accounts)
        return (
            f"CREATE USER IF NOT EXISTS {identified};\n"
            f"ALTER USER {identified};\n"
            f"GRANT ALL PRIVILEGES ON *.* TO {', '.join(accounts)} WITH GRANT OPTION;\n"
        )

    def _accepts_logins(self) -> bool:
        with contextlib.suppress(pymysql.MySQLError, OSError):
            self.connect(connect_timeout=2).close()
            return True
        return False

    def _cleanup(self) -> None:
        self._child = None
        if self._socket_folder:
            shutil.rmtree(self._socket_folder, ignore_errors=True)
            self._socket_folder = None
        if self._lock:
            self._lock.release()
            self._lock = None
