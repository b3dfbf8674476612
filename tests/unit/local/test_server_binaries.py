"""Which MariaDB is taken, and what is said where there is none."""

from pathlib import Path

import pytest

from infra.local import server_binaries
from infra.local.processes import LocalCloudError
from infra.local.server_binaries import ensure_server


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine where nothing is installed: the only folder on PATH is the one returned."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.delenv("ORCHARD_MARIADBD", raising=False)
    monkeypatch.setattr(server_binaries, "_INSTALLED", ())
    return programs


def _program(folder: Path, name: str, output: str, status: int = 0) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{output}'\nexit {status}\n")
    path.chmod(0o755)
    return path


def _installation(root: Path, version: str) -> Path:
    for folder in ("bin", "share/mariadb"):
        (root / folder).mkdir(parents=True)
    for name in ("mariadb_system_tables.sql", "mariadb_system_tables_data.sql"):
        (root / "share/mariadb" / name).write_text("SELECT 1;\n")
    return _program(root / "bin", "mariadbd", f"mariadbd  Ver {version} for Linux on x86_64")


def test_an_installed_server_is_taken(bare_machine: Path, tmp_path: Path) -> None:
    server = _installation(tmp_path / "opt", "11.4.2-MariaDB")
    (bare_machine / "mariadbd").symlink_to(server)
    found = ensure_server(tmp_path / "cache")
    assert (found.server, found.share, found.libraries) == (server, tmp_path / "opt/share/mariadb", None)


def test_a_named_server_comes_first(bare_machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare_machine / "mariadbd").symlink_to(_installation(tmp_path / "one", "11.4.2-MariaDB"))
    named = _installation(tmp_path / "two", "10.11.6-MariaDB")
    monkeypatch.setenv("ORCHARD_MARIADBD", str(named))
    assert ensure_server(tmp_path / "cache").server == named


@pytest.mark.parametrize("output", ["mysqld  Ver 8.0.36 for Linux on x86_64 (MySQL Community)", "Ver 10.3.39-MariaDB"])
def test_mysql_and_old_servers_are_no_use(bare_machine: Path, tmp_path: Path, output: str) -> None:
    _program(bare_machine, "mysqld", output)
    with pytest.raises(LocalCloudError, match="No MariaDB server was found, and there is no apt-get and no dpkg"):
        ensure_server(tmp_path / "cache")


def test_a_machine_without_packages_is_told_what_to_install(bare_machine: Path, tmp_path: Path) -> None:
    with pytest.raises(LocalCloudError) as refused:
        ensure_server(tmp_path / "cache")
    assert "brew install mariadb" in str(refused.value)
    assert "ORCHARD_MARIADBD" in str(refused.value)


def test_a_failing_package_tool_is_quoted(bare_machine: Path, tmp_path: Path) -> None:
    _program(bare_machine, "dpkg", "")
    _program(bare_machine, "apt-get", "E: no route to the mirror", status=100)
    with pytest.raises(LocalCloudError, match=r"Could not apt-get update .*: E: no route to the mirror"):
        ensure_server(tmp_path / "cache")


def test_a_wrong_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHARD_MARIADBD", str(tmp_path / "nothing"))
    with pytest.raises(LocalCloudError, match="which is not a file"):
        ensure_server(tmp_path / "cache")
