"""Deployment step migrate_database: each file once, one run at a time, CloudFormation always answered."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local.mariadb import MariaDb
from orchard.runtime import migrations, settings
from orchard.runtime.database import Connection
from orchard.runtime.migrations import MigrationChanged
from tests.support import calls
from tests.support.custom_resource import CloudFormation


@pytest.fixture
def empty(database_server: MariaDb) -> Iterator[Connection]:
    """A connection to an empty database of its own."""
    database_server.create_database("migrate_test", fresh=True)
    connection = Connection(lambda: settings.database().model_copy(update={"name": "migrate_test"}))
    yield connection
    connection.discard()


def write(folder: Path, **files: str) -> Path:
    for name, sql in files.items():
        (folder / f"{name.lstrip('_')}.sql").write_text(sql)
    return folder


def applied(connection: Connection) -> list[str]:
    rows = connection.run(lambda tx: tx.rows("SELECT name FROM schema_migration ORDER BY name"))
    return [row["name"] for row in rows]


def test_each_file_is_applied_once_in_order(empty: Connection, tmp_path: Path) -> None:
    write(tmp_path, _0002_b="ALTER TABLE a ADD COLUMN more INT;", _0001_a="-- a; b\nCREATE TABLE a (id INT);\n")
    assert migrations.apply(empty, tmp_path) == ["0001_a", "0002_b"]
    assert migrations.apply(empty, tmp_path) == []
    write(tmp_path, _0003_c="INSERT INTO a VALUES (1, 2);\nINSERT INTO a VALUES (3, 4);")
    assert migrations.apply(empty, tmp_path) == ["0003_c"]
    assert len(empty.run(lambda tx: tx.rows("SELECT * FROM a"))) == 2


def test_runs_at_the_same_time_apply_each_file_once(empty: Connection, tmp_path: Path) -> None:
    # Neither statement could be repeated.
    write(
        tmp_path, _0001_a="CREATE TABLE a (id INT);\nALTER TABLE a ADD COLUMN more INT;\nINSERT INTO a VALUES (1, 2);"
    )
    outcomes: list[list[str]] = []
    start = threading.Barrier(4)

    def run() -> None:
        start.wait(timeout=10)
        outcomes.append(migrations.apply(empty, tmp_path))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [[], [], [], ["0001_a"]]
    assert len(empty.run(lambda tx: tx.rows("SELECT * FROM a"))) == 1


def test_a_run_that_failed_leaves_the_way_free(empty: Connection, tmp_path: Path) -> None:
    write(tmp_path, _0001_a="CREATE TABLE IF NOT EXISTS a (id INT);\nCREATE TABLE b (id INT) ENGINE=nonsense;")
    with contextlib.suppress(Exception):
        migrations.apply(empty, tmp_path)
    assert applied(empty) == []
    write(tmp_path, _0001_a="CREATE TABLE IF NOT EXISTS a (id INT);\nCREATE TABLE b (id INT);")
    assert migrations.apply(empty, tmp_path) == ["0001_a"]


def test_history_cannot_be_rewritten(empty: Connection, tmp_path: Path) -> None:
    write(tmp_path, _0001_a="CREATE TABLE a (id INT);")
    migrations.apply(empty, tmp_path)
    write(tmp_path, _0001_a="CREATE TABLE a (id BIGINT);")
    with pytest.raises(MigrationChanged, match="0001_a"):
        migrations.apply(empty, tmp_path)
    (tmp_path / "0001_a.sql").unlink()
    write(tmp_path, _0002_b="CREATE TABLE b (id INT);")
    with pytest.raises(MigrationChanged):
        migrations.apply(empty, tmp_path)


def test_a_rolled_back_release_leaves_its_successors_migrations_alone(empty: Connection, tmp_path: Path) -> None:
    write(tmp_path, _0001_a="CREATE TABLE a (id INT);", _0002_b="CREATE TABLE b (id INT);")
    migrations.apply(empty, tmp_path)
    (tmp_path / "0002_b.sql").unlink()
    assert migrations.apply(empty, tmp_path) == []
    assert applied(empty) == ["0001_a", "0002_b"]


def test_a_misnamed_file_is_refused(empty: Connection, tmp_path: Path) -> None:
    write(tmp_path, first="CREATE TABLE a (id INT);")
    with pytest.raises(ValueError, match=r"first\.sql"):
        migrations.apply(empty, tmp_path)


def test_the_projects_own_migrations_fit_a_new_database(empty: Connection) -> None:
    names = migrations.apply(empty)
    assert names[0] == "0001_runtime"
    assert names == applied(empty) == sorted(names)


def test_a_plain_invocation_says_what_it_applied(db: Connection) -> None:
    assert calls.invoke("platform/migrate_database", {}) == {"applied": []}


@pytest.fixture
def cloudformation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudFormation]:
    with CloudFormation(tmp_path) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
        yield server


def request(server: CloudFormation, request_type: str, **changes: str) -> dict[str, Any]:
    event = {"RequestType": request_type, "ResponseURL": server.url, "StackId": "stack", "RequestId": "request"}
    return {**event, "LogicalResourceId": "DatabaseSchema", **changes}


def test_cloudformation_is_told_of_success(db: Connection, cloudformation: CloudFormation) -> None:
    calls.invoke("platform/migrate_database", request(cloudformation, "Create"))
    calls.invoke("platform/migrate_database", request(cloudformation, "Update", PhysicalResourceId="as before"))
    created, updated = cloudformation.answers
    assert created == {
        "Status": "SUCCESS", "Reason": "", "PhysicalResourceId": "migrate_database", "StackId": "stack",
        "RequestId": "request", "LogicalResourceId": "DatabaseSchema", "Data": {"applied": "[]"},
    }  # fmt: skip
    assert updated["PhysicalResourceId"] == "as before"
    assert cloudformation.content_types == ["", ""]


def test_a_deletion_succeeds_and_touches_nothing(
    db: Connection, cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Were the database needed, this would fail.
    monkeypatch.setenv("ORCHARD_DATABASE_PORT", "1")
    settings.forget()
    calls.invoke("platform/migrate_database", request(cloudformation, "Delete", PhysicalResourceId="migrate_database"))
    monkeypatch.undo()
    settings.forget()
    assert cloudformation.answers[0]["Status"] == "SUCCESS"


def test_cloudformation_is_told_of_failure_without_secrets(
    db: Connection, cloudformation: CloudFormation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHARD_DATABASE_PORT", "1")
    settings.forget()
    calls.invoke("platform/migrate_database", request(cloudformation, "Create"))
    monkeypatch.undo()
    settings.forget()
    answer = cloudformation.answers[0]
    assert answer["Status"] == "FAILED"
    assert answer["Reason"].startswith("Unavailable; see the log of request ")


def test_the_answer_is_sent_again_until_it_arrives(db: Connection, cloudformation: CloudFormation) -> None:
    cloudformation.failures = 1
    calls.invoke("platform/migrate_database", request(cloudformation, "Create"))
    assert [answer["Status"] for answer in cloudformation.answers] == ["SUCCESS"]


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "file:///etc/passwd", "ftp://127.0.0.1/"])
def test_only_https_is_answered(db: Connection, cloudformation: CloudFormation, url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        calls.invoke("platform/migrate_database", request(cloudformation, "Create", ResponseURL=url))
