"""The empty data folder that every private MariaDB instance begins as a copy of."""

from __future__ import annotations

import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

from infra.local.processes import LocalCloudError, exclusive
from infra.local.server_binaries import ServerBinaries, system_tables

_STORAGE = (
    "--innodb-data-file-path=ibdata1:12M:autoextend",
    "--innodb-autoextend-increment=1",
    "--innodb-temp-data-file-path=ibtmp1:4M:autoextend",
)
# For tests: commits reach the operating system, so a killed server loses nothing; a power cut may lose everything.
FAST = (
    "--innodb-flush-log-at-trx-commit=2",
    "--loose-innodb-log-file-buffering=ON",
    "--innodb-doublewrite=0",
    "--innodb-flush-method=nosync",
    "--innodb-buffer-pool-size=128M",
    "--innodb-log-file-size=48M",
)


def base_command(binaries: ServerBinaries, data: Path) -> list[str]:
    return [
        *binaries.program,
        "--no-defaults",
        f"--datadir={data}",
        f"--lc-messages-dir={binaries.share}",
        f"--character-sets-dir={binaries.share / 'charsets'}",
        *_STORAGE,
        *(["--plugin-dir=/nonexistent"] if binaries.libraries else []),
        *(["--user=root"] if os.geteuid() == 0 else []),
    ]


def template_folder(binaries: ServerBinaries, cache: Path) -> Path:
    """An initialised, empty data folder for this server version, made once and copied for each instance."""
    bootstrap = _bootstrap_sql(binaries)
    key = sha256(f"{binaries.version}\n{_STORAGE}\n{bootstrap}".encode()).hexdigest()[:16]
    template = cache / f"mariadb-template-{key}"
    with exclusive(cache / "mariadb-template.lock"):
        if template.is_dir():
            return template
        fresh = template.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        command = [*base_command(binaries, fresh), *FAST, "--skip-networking", "--bootstrap"]
        done = subprocess.run(
            command, input=bootstrap, capture_output=True, text=True, env=binaries.environment(), check=False
        )
        if done.returncode != 0:
            raise LocalCloudError(f"MariaDB could not make its system tables:\n{done.stderr[-2000:]}")
        fresh.rename(template)
    return template


def _bootstrap_sql(binaries: ServerBinaries) -> str:
    return "\n".join(
        [
            "CREATE DATABASE IF NOT EXISTS mysql;",
            "USE mysql;",
            "SET @auth_root_socket=NULL;",
            "SET @current_hostname='localhost';",
            *(file.read_text() for file in system_tables(binaries.share)),
            # No passwordless administrator: the only account is the one made at each start.
            "DELETE FROM mysql.global_priv WHERE User IN ('root', '');",
            "DELETE FROM mysql.proxies_priv;",
            "",
        ]
    )
