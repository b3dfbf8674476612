"""Nothing the local cloud starts outlives it, and no two of them share a folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.cloud import ROOT, LocalCloud
from infra.local.ports import Ports
from infra.local.processes import (
    AlreadyRunningError,
    Child,
    FolderLock,
    LocalCloudError,
    accepts_connections,
    is_alive,
    wait_until,
)
from tests.support.local_bundle import call, fixture_cloud

_PROGRAM = """
import sys, time
from pathlib import Path
from tests.support.local_bundle import fixture_cloud
with fixture_cloud(Path(sys.argv[1]), schedules=True):
    print("up", flush=True)
    time.sleep(120)
"""


def _processes_naming(text: str) -> list[str]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                command = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            except OSError:
                continue
            if text.encode() in command:
                found.append(folder.name)
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_killed_cloud_leaves_no_process_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _PROGRAM, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        while parent.stdout.readline().strip() != "up":
            assert parent.poll() is None
        assert len(_processes_naming(str(tmp_path))) > 5
        parent.kill()
    assert wait_until(lambda: _processes_naming(str(tmp_path)) == [], seconds=30)
    FolderLock(tmp_path / "data", wait_seconds=0).release()


def test_a_second_cloud_on_the_same_folder_is_refused(cloud: LocalCloud, cloud_folder: Path) -> None:
    with pytest.raises(AlreadyRunningError, match="in use by process"):
        fixture_cloud(cloud_folder).start()
    assert call(cloud.api_url, "GET", "/echo").status == 201


def test_a_failed_start_leaves_nothing_running(tmp_path: Path) -> None:
    broken = fixture_cloud(tmp_path)
    broken._install = lambda place: (_ for _ in ()).throw(LocalCloudError("no parameters"))
    with pytest.raises(LocalCloudError, match="no parameters"):
        broken.start()
    assert not accepts_connections(broken.mariadb.port)
    assert not broken.aws.running()
    FolderLock(tmp_path / "data", wait_seconds=0).release()


def test_the_database_recovers_under_a_running_cloud(cloud: LocalCloud) -> None:
    cloud.mariadb.kill()
    assert cloud.dead() == "MariaDB"
    cloud.mariadb.start()
    assert cloud.dead() is None


def test_a_child_that_ignores_the_request_to_end_is_killed(tmp_path: Path) -> None:
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    child = Child([sys.executable, "-c", code], grace_seconds=0.2)
    assert child.stdout.readline() == b"deaf\n"
    child.stop()
    assert not is_alive(child.pid)


def test_a_fixed_port_that_is_taken_is_named(
    cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHARD_LOCAL_PORT_SANDBOX", str(cloud.mariadb.port))
    with pytest.raises(LocalCloudError, match=f"ORCHARD_LOCAL_PORT_SANDBOX={cloud.mariadb.port} is taken"):
        Ports(tmp_path).choose("sandbox")
