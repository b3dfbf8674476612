"""The private server: isolated, recovering, never two on one folder, never left behind."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest

from infra.local.mariadb import MariaDb
from infra.local.processes import AlreadyRunningError, wait_until

CACHE = Path(__file__).parents[3] / ".cache"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MariaDb]:
    with MariaDb(tmp_path / "db", CACHE, durable=False) as running:
        running.create_database("shop")
        yield running


def _execute(server: MariaDb, statement: str) -> tuple[tuple[object, ...], ...]:
    with contextlib.closing(server.connect("shop", autocommit=True)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return tuple(cursor.fetchall())


def test_settings_are_the_ones_the_functions_rely_on(server: MariaDb) -> None:
    ((isolation, zone, charset, mode),) = _execute(
        server, "SELECT @@tx_isolation, @@time_zone, @@character_set_server, @@sql_mode"
    )
    assert (isolation, zone, charset) == ("READ-COMMITTED", "+00:00", "utf8mb4")
    assert "STRICT_TRANS_TABLES" in str(mode)


def test_only_the_generated_account_can_log_in(server: MariaDb) -> None:
    accounts = _execute(server, "SELECT DISTINCT user FROM mysql.global_priv WHERE user <> 'mariadb.sys'")
    assert accounts == (("orchard",),)
    for user, password in (("root", ""), ("orchard", ""), ("", "")):
        with pytest.raises(pymysql.OperationalError):
            pymysql.connect(host=server.host, port=server.port, user=user, password=password, ssl_disabled=True)


def test_commits_survive_a_killed_server(server: MariaDb) -> None:
    _execute(server, "CREATE TABLE fruit (id INT PRIMARY KEY)")
    _execute(server, "INSERT INTO fruit VALUES (7)")
    port = server.port
    server.kill()
    assert not server.running()
    server.start()
    assert server.port == port
    assert _execute(server, "SELECT id FROM fruit") == ((7,),)


def test_a_second_server_on_the_same_folder_is_refused(server: MariaDb, tmp_path: Path) -> None:
    with pytest.raises(AlreadyRunningError, match=str(os.getpid())):
        MariaDb(tmp_path / "db", CACHE).start()
    assert server.running()


def test_data_and_password_stay_over_a_clean_restart(tmp_path: Path) -> None:
    with MariaDb(tmp_path, CACHE, durable=False) as first:
        first.create_database("shop")
        _execute(first, "CREATE TABLE kept (id INT)")
    with MariaDb(tmp_path, CACHE, durable=False) as second:
        assert second.password == first.password
        assert _execute(second, "SHOW TABLES") == (("kept",),)


def test_the_server_ends_with_a_killed_parent(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from infra.local.mariadb import MariaDb\n"
        "m = MariaDb(Path(sys.argv[1]), Path(sys.argv[2]), durable=False); m.start()\n"
        "print(m._child.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path), str(CACHE)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        server_pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    assert wait_until(lambda: not Path(f"/proc/{server_pid}").exists(), seconds=20)
    with MariaDb(tmp_path, CACHE, durable=False) as again:
        assert again.running()


def test_server_flags_can_be_added(tmp_path: Path) -> None:
    with MariaDb(tmp_path, CACHE, durable=False, options=["--max-connections=17"]) as server:
        server.create_database("shop")
        assert _execute(server, "SELECT @@max_connections") == ((17,),)
