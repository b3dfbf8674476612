"""A private MySQL server in place of MariaDB, for trying the functions on the other dialect."""

from __future__ import annotations

import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

from infra.local.mariadb import MariaDb
from infra.local.mysql_binaries import ensure_mysql
from infra.local.processes import LocalCloudError, exclusive
from infra.local.server_binaries import ServerBinaries

_SETTINGS = (
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_bin",
    "--sql-mode=STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION",
    "--transaction-isolation=READ-COMMITTED",
    "--default-time-zone=+00:00",
    "--max-connections=400",
    "--max-allowed-packet=64M",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--local-infile=0",
    "--mysqlx=OFF",
    "--performance-schema=OFF",
)
_STORAGE = ("--innodb-data-file-path=ibdata1:12M:autoextend", "--innodb-redo-log-capacity=96M")
# As MariaDB's: commits reach the operating system, so a killed server loses nothing; a power cut may.
_FAST = (
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-doublewrite=OFF",
    "--innodb-flush-method=nosync",
    "--innodb-buffer-pool-size=128M",
)
_DURABLE = ("--innodb-flush-log-at-trx-commit=1", "--innodb-buffer-pool-size=256M")


class MySql(MariaDb):
    """One MySQL server (8.4 or newer) on one data folder; used like `MariaDb`."""

    name = "MySQL"

    def _binaries(self) -> ServerBinaries:
        return ensure_mysql(self._cache)

    def _template(self, binaries: ServerBinaries) -> Path:
        return _template_folder(binaries, self._cache)

    def _flags(self, binaries: ServerBinaries, data: Path) -> list[str]:
        return [*_base_command(binaries, data), *_SETTINGS, *(_DURABLE if self._durable else _FAST)]

    def _account_sql(self) -> str:
        # It was initialised with an administrator who has no password.
        return super()._account_sql() + "DROP USER IF EXISTS 'root'@'localhost';\n"


def _base_command(binaries: ServerBinaries, data: Path) -> list[str]:
    return [
        *binaries.program,
        "--no-defaults",
        f"--datadir={data}",
        f"--basedir={binaries.share.parent.parent}",
        f"--lc-messages-dir={binaries.share}",
        f"--character-sets-dir={binaries.share / 'charsets'}",
        "--secure-file-priv=NULL",
        # Containers often leave no kernel requests for asynchronous I/O.
        "--innodb-use-native-aio=OFF",
        *_STORAGE,
        *(["--user=root"] if os.geteuid() == 0 else []),
    ]


def _template_folder(binaries: ServerBinaries, cache: Path) -> Path:
    """An initialised, empty data folder for this server version, made once and copied for each instance."""
    template = cache / f"mysql-template-{sha256(f'{binaries.version}{_STORAGE}'.encode()).hexdigest()[:16]}"
    with exclusive(cache / "mysql-template.lock"):
        if template.is_dir():
            return template
        fresh = template.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        command = [*_base_command(binaries, fresh), *_FAST, "--initialize-insecure"]
        done = subprocess.run(command, capture_output=True, text=True, env=binaries.environment(), check=False)
        if done.returncode != 0:
            raise LocalCloudError(f"MySQL could not make its system tables:\n{done.stderr[-2000:]}")
        fresh.rename(template)
    return template
