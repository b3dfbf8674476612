"""The machine that figures come from, and how busy others kept it meanwhile."""

import os
import platform
import subprocess
import time
from pathlib import Path
from typing import Any

from infra.local.mariadb import MariaDb

_ROOT = Path(__file__).parents[1]
_DURABILITY = ("version", "innodb_flush_log_at_trx_commit", "innodb_flush_method", "innodb_buffer_pool_size",
               "innodb_log_file_size", "log_bin", "sync_binlog", "tx_isolation")  # fmt: skip
_TICK = os.sysconf("SC_CLK_TCK")


def describe() -> dict[str, Any]:
    """Processor, cores, memory, kernel, Python and the commit that is measured."""
    return {
        "processor": _first_line("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory": _first_line("/proc/meminfo", "MemTotal"),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "commit": _git("rev-parse", "--short", "HEAD") + ("+" if _git("status", "--porcelain", "-uno") else ""),
    }


def database(server: MariaDb) -> dict[str, str]:
    """The server's version and what it does at a commit."""
    marks = ", ".join(f"'{name}'" for name in _DURABILITY)
    with server.connect() as link, link.cursor() as cursor:
        cursor.execute(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({marks})")
        return {str(name): str(value) for name, value in cursor.fetchall()}


class OthersCpu:
    """How many cores processes that are not ours used since it was made: nobody's figures are good beside many."""

    def __init__(self, *pid_files: Path) -> None:
        self._pid_files = pid_files
        self._began, self._busy, self._ours = time.monotonic(), _busy_seconds(), self._own_seconds()

    def cores(self) -> float | None:
        """Cores in use by others, on average; None where the system does not tell."""
        if self._busy is None or (busy := _busy_seconds()) is None:
            return None
        others = (busy - self._busy) - (self._own_seconds() - self._ours)
        return round(max(0.0, others) / max(time.monotonic() - self._began, 0.001), 2)

    def _own_seconds(self) -> float:
        times = os.times()
        # A server that still runs is not among the children that have ended.
        servers = sum(cpu_seconds(int(path.read_text())) for path in self._pid_files if path.exists())
        return times.user + times.system + times.children_user + times.children_system + servers


def cpu_seconds(pid: int) -> float:
    """User and system time of a running process; 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICK


def _busy_seconds() -> float | None:
    try:
        first = Path("/proc/stat").read_text(encoding="utf-8").splitlines()[0].split()
    except OSError:
        return None
    user, nice, system, _, _, irq, soft = (int(field) for field in first[1:8])
    return (user + nice + system + irq + soft) / _TICK


def _first_line(path: str, key: str) -> str:
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=_ROOT, capture_output=True, text=True, check=False)  # noqa: S603, S607
    return done.stdout.strip()
