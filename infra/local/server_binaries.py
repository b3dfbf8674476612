"""Finds a MariaDB server on this machine, or unpacks Debian's packages into the cache, without root."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.local.processes import LocalCloudError, exclusive

MINIMUM_VERSION = (10, 6)
_INSTALLED = (
    "/usr/sbin/mariadbd",
    "/usr/libexec/mariadbd",
    "/usr/local/mysql/bin/mariadbd",
    "/opt/homebrew/opt/mariadb/bin/mariadbd",
    "/usr/local/opt/mariadb/bin/mariadbd",
)
_PACKAGE = "mariadb-server-core"
_HOW_TO_MEND = (
    "Orchard needs a MariaDB server ({minimum} or newer); its own private instance. Any of these will do:\n"
    "  Debian, Ubuntu:  sudo apt-get install mariadb-server-core\n"
    "  Fedora, RHEL:    sudo dnf install mariadb-server\n"
    "  macOS:           brew install mariadb\n"
    "  anywhere else:   set ORCHARD_MARIADBD to the path of a mariadbd program"
).format(minimum=".".join(map(str, MINIMUM_VERSION)))


@dataclass(frozen=True, slots=True)
class ServerBinaries:
    """A server program with what it needs around it; `loader` is the dynamic loader of its own C library, if any."""

    server: Path
    share: Path
    version: str
    libraries: Path | None = None
    loader: Path | None = None

    @property
    def program(self) -> list[str]:
        """The beginning of the command that runs it."""
        if self.loader:
            return [str(self.loader), "--library-path", str(self.libraries), str(self.server)]
        return [str(self.server)]

    def environment(self) -> dict[str, str]:
        """The environment to start the server in."""
        environment = dict(os.environ)
        # With a loader of its own the libraries are for the server alone, not for what it may start.
        if self.libraries and not self.loader:
            environment["LD_LIBRARY_PATH"] = str(self.libraries)
        return environment


def ensure_server(cache_dir: Path) -> ServerBinaries:
    """The installed server, else Debian's packages unpacked below the cache.

    Raises LocalCloudError with the ways to mend it when neither can be had.
    """
    for candidate in _candidates():
        found = _inspect(candidate, None)
        if found:
            return found
    root = cache_dir / "mariadb"
    with exclusive(cache_dir / "mariadb.lock"):
        return _unpacked(root) or _download(root)


def _candidates() -> Iterator[Path]:
    named = os.environ.get("ORCHARD_MARIADBD")
    if named:
        if not Path(named).is_file():
            raise LocalCloudError(f"ORCHARD_MARIADBD names {named}, which is not a file.\n{_HOW_TO_MEND}")
        yield Path(named)
    for found in (shutil.which("mariadbd"), shutil.which("mysqld"), *_INSTALLED):
        if found and Path(found).is_file():
            yield Path(found).resolve()


def _inspect(server: Path, libraries: Path | None) -> ServerBinaries | None:
    """The binaries around this program; None if it is not a usable MariaDB (MySQL's mysqld, too old, broken)."""
    environment = os.environ | ({"LD_LIBRARY_PATH": str(libraries)} if libraries else {})
    try:
        answer = subprocess.run(
            [str(server), "--no-defaults", "--version"], capture_output=True, text=True, env=environment, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    version = re.search(r"(\d+)\.(\d+)\.\d+-MariaDB", answer)
    if not version or (int(version[1]), int(version[2])) < MINIMUM_VERSION:
        return None
    for name in ("mysql", "mariadb"):
        share = server.parent.parent / "share" / name
        if system_tables(share):
            return ServerBinaries(server, share, answer[version.start() :].strip(), libraries)
    return None


def system_tables(share: Path) -> list[Path]:
    """The SQL files that make the system tables, in order; empty where this is not the server's share folder."""
    for prefix in ("mysql", "mariadb"):
        files = [share / f"{prefix}_system_tables.sql", share / f"{prefix}_system_tables_data.sql"]
        if all(file.is_file() for file in files):
            return files
    return []


def _unpacked(root: Path) -> ServerBinaries | None:
    server = root / "usr/sbin/mariadbd"
    libraries = next(iter(root.glob("usr/lib/*-linux-gnu*")), None)
    return _inspect(server, libraries) if server.is_file() else None


def _download(root: Path) -> ServerBinaries:
    missing = [tool for tool in ("apt-get", "dpkg") if not shutil.which(tool)]
    if missing:
        lacking = " and no ".join(missing)
        raise LocalCloudError(f"No MariaDB server was found, and there is no {lacking}.\n{_HOW_TO_MEND}")
    print("MariaDB is not installed here: fetching Debian's packages into the cache (20 MB, once) ...", flush=True)
    apt = PrivateApt(root.parent / "apt", _HOW_TO_MEND)
    apt.update()
    apt.unpack(apt.needed_for(_PACKAGE), root)
    found = _unpacked(root)
    if not found:
        raise LocalCloudError(f"The unpacked MariaDB server does not start on this machine.\n{_HOW_TO_MEND}")
    print(f"  ready: {found.version}", flush=True)
    return found


class PrivateApt:
    """apt-get with lists, state and cache of its own, so that it needs no root and no earlier `apt-get update`.

    `options` are further apt options, such as other sources. Failures are LocalCloudErrors that end in `advice`.
    """

    def __init__(self, folder: Path, advice: str, options: Mapping[str, object] | None = None) -> None:
        self._folder, self._advice = folder, advice
        self._archives = folder / "archives"
        for needed in ("state/lists/partial", "cache/archives/partial", "archives"):
            (folder / needed).mkdir(parents=True, exist_ok=True)
        settings = {
            "Dir::State": folder / "state",
            "Dir::State::lists": folder / "state/lists",
            "Dir::State::status": "/var/lib/dpkg/status",
            "Dir::Cache": folder / "cache",
            "APT::Sandbox::User": "",
            "Acquire::Languages": "none",
            "Debug::NoLocking": "1",
            **self._distribution_sources(),
            **(options or {}),
        }
        self._options = [item for name, value in settings.items() for item in ("-o", f"{name}={value}")]

    @staticmethod
    def _distribution_sources() -> dict[str, str]:
        """Only the distribution's own source file where it has one: third-party sources may be slow or broken."""
        for name in ("debian.sources", "ubuntu.sources", "raspbian.sources"):
            file = Path("/etc/apt/sources.list.d") / name
            if file.is_file():
                return {"Dir::Etc::sourcelist": str(file), "Dir::Etc::sourceparts": "/dev/null"}
        return {}

    def update(self) -> None:
        print("  reading the package lists", flush=True)
        self._apt("update")

    def needed_for(self, package: str) -> list[str]:
        """The package and those of its dependencies that this machine lacks (never newer copies of what it has)."""
        plan = self._apt("-s", "--no-install-recommends", "install", package)
        new = re.findall(r"^Inst (\S+) \(", plan, re.MULTILINE)
        return new if package in new else [*new, package]

    def unpack(self, packages: list[str], root: Path) -> None:
        """Download the packages and unpack them into `root`, replacing it; the lists and archives are then gone."""
        print(f"  downloading {', '.join(packages)}", flush=True)
        self._apt("download", *packages, folder=self._archives)
        fresh = root.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        for archive in sorted(self._archives.glob("*.deb")):
            self._run(["dpkg", "-x", str(archive), str(fresh)], "unpack " + archive.name)
        shutil.rmtree(root, ignore_errors=True)
        fresh.rename(root)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _apt(self, *arguments: str, folder: Path | None = None) -> str:
        return self._run(["apt-get", *self._options, *arguments], f"apt-get {arguments[0]}", folder)

    def _run(self, command: list[str], step: str, folder: Path | None = None) -> str:
        environment = os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=False)
        if done.returncode != 0:
            detail = (done.stderr or done.stdout).strip()
            raise LocalCloudError(f"Could not {step} (needs the network): {detail}\n{self._advice}")
        return done.stdout
