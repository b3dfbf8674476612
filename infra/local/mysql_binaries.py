"""Finds a MySQL server on this machine, or unpacks Debian unstable's packages into the cache, without root."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from infra.local.processes import LocalCloudError, exclusive
from infra.local.server_binaries import PrivateApt, ServerBinaries

MINIMUM_VERSION = (8, 4)
_PACKAGE = "mysql-server-core"
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# No released Debian has MySQL; unstable's packages bring their own C library, so they run on older systems.
_SOURCE = f"deb [signed-by={_KEYRING}] http://deb.debian.org/debian sid main\n"
_HOW_TO_MEND = (
    "To try the functions on MySQL, a MySQL server of {minimum} or newer is needed. Any of these will do:\n"
    "  Debian:         nothing to install, but deb.debian.org must be reachable once\n"
    "  macOS:          brew install mysql\n"
    "  anywhere else:  set ORCHARD_MYSQLD to the path of a mysqld program"
).format(minimum=".".join(map(str, MINIMUM_VERSION)))


def ensure_mysql(cache_dir: Path) -> ServerBinaries:
    """The installed server, else Debian unstable's packages unpacked below the cache.

    Raises LocalCloudError with the ways to mend it when neither can be had.
    """
    for candidate in _candidates():
        found = _inspect(ServerBinaries(candidate, candidate.parent.parent / "share" / "mysql", ""))
        if found:
            return found
    root = cache_dir / "mysql"
    with exclusive(cache_dir / "mysql.lock"):
        return _unpacked(root) or _download(root)


def _candidates() -> Iterator[Path]:
    named = os.environ.get("ORCHARD_MYSQLD")
    if named:
        if not Path(named).is_file():
            raise LocalCloudError(f"ORCHARD_MYSQLD names {named}, which is not a file.\n{_HOW_TO_MEND}")
        yield Path(named).resolve()
    for found in (shutil.which("mysqld"), "/opt/homebrew/opt/mysql/bin/mysqld", "/usr/local/mysql/bin/mysqld"):
        if found and Path(found).is_file():
            yield Path(found).resolve()


def _inspect(binaries: ServerBinaries) -> ServerBinaries | None:
    """The same with its version; None if it is not a usable MySQL (MariaDB under the old name, too old, broken)."""
    command = [*binaries.program, "--no-defaults", "--version"]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, env=binaries.environment(), check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
    version = re.search(r"Ver (\d+)\.(\d+)\.\d+", answer)
    if not version or "MariaDB" in answer or (int(version[1]), int(version[2])) < MINIMUM_VERSION:
        return None
    share = binaries.share if (binaries.share / "charsets").is_dir() else binaries.share.parent
    return ServerBinaries(binaries.server, share, answer, binaries.libraries, binaries.loader)


def _unpacked(root: Path) -> ServerBinaries | None:
    server = root / "usr/sbin/mysqld"
    libraries = next(iter(root.glob("usr/lib/*-linux-gnu*")), None)
    loader = next(iter(root.glob("usr/lib*/ld-linux*.so*")), None)
    if not (server.is_file() and libraries and loader):
        return None
    return _inspect(ServerBinaries(server, root / "usr/share/mysql", "", libraries, loader))


def _download(root: Path) -> ServerBinaries:
    missing = [tool for tool in ("apt-get", "dpkg") if not shutil.which(tool)]
    missing += [] if _KEYRING.is_file() else [str(_KEYRING)]
    if missing:
        raise LocalCloudError(f"No MySQL server was found, and there is no {' and no '.join(missing)}.\n{_HOW_TO_MEND}")
    print("MySQL is not installed here: fetching Debian's packages into the cache (50 MB, once) ...", flush=True)
    apt = _unstable(root.parent / "apt-mysql")
    apt.update()
    # Its scripts are in Perl, its server is not.
    apt.unpack([name for name in apt.needed_for(_PACKAGE) if "perl" not in name], root)
    found = _unpacked(root)
    if not found:
        raise LocalCloudError(f"The unpacked MySQL server does not start on this machine.\n{_HOW_TO_MEND}")
    print(f"  ready: {found.version}", flush=True)
    return found


def _unstable(folder: Path) -> PrivateApt:
    """apt-get that sees unstable alone, and nothing as installed: the server gets every library it needs."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sources.list").write_text(_SOURCE)
    (folder / "status").touch()
    options = {
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::status": folder / "status",
    }
    return PrivateApt(folder, _HOW_TO_MEND, options)
