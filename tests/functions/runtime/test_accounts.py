"""The functions' database account: enough for their work, no more, made and renewed by every deployment."""

import json
import secrets
from collections.abc import Iterator
from typing import Any

import boto3
import pymysql
import pytest
from pymysql.constants import CLIENT

from infra.local.mariadb import MariaDb
from orchard.runtime import accounts, migrations, settings
from orchard.runtime.database import Connection, Statement, connection
from tests.support import calls
from tests.support.aws import own_account

DATABASE = "accounts_test"
_DENIED = {1142, 1044, 1227}


@pytest.fixture
def account(database_server: MariaDb, monkeypatch: pytest.MonkeyPatch) -> Iterator[settings.DatabaseSettings]:
    """An account that does not exist yet, as the functions' settings name it, beside the administrator's secret."""
    database_server.create_database(DATABASE, fresh=True)
    monkeypatch.setenv("ORCHARD_DATABASE_NAME", DATABASE)
    monkeypatch.setenv("ORCHARD_DATABASE_USER", f"f_{secrets.token_hex(6)}")
    monkeypatch.setenv("ORCHARD_DATABASE_PASSWORD", secrets.token_urlsafe(24))
    monkeypatch.setenv("ORCHARD_DATABASE_ADMIN_SECRET_ID", "administrator")
    settings.forget()
    # The functions run in this process here, on its own connection.
    connection.discard()
    with own_account():
        value = {"username": database_server.user, "password": database_server.password}
        boto3.client("secretsmanager").create_secret(Name="administrator", SecretString=json.dumps(value))
        yield settings.database()
    monkeypatch.undo()
    settings.forget()
    connection.discard()


@pytest.fixture
def functions(account: settings.DatabaseSettings) -> Iterator[Connection]:
    own = Connection(lambda: account)
    yield own
    own.discard()


def test_a_deployment_makes_the_account_and_the_schema(functions: Connection) -> None:
    applied = calls.invoke("platform/migrate_database", {})["applied"]
    assert applied[0] == "0001_runtime"
    assert calls.invoke("platform/migrate_database", {})["applied"] == []
    tables = functions.run(lambda tx: tx.rows("SHOW TABLES"))
    assert len(tables) > 20


def test_the_account_works_on_rows_and_on_nothing_else(functions: Connection) -> None:
    with accounts.administrator(functions) as administrator:
        administrator.run(lambda tx: tx.execute(Statement("CREATE TABLE t (id INT PRIMARY KEY, n INT)")))
    functions.run(
        lambda tx: tx.packet(
            [
                Statement("INSERT INTO t VALUES (1, 1), (2, 2)"),
                Statement("UPDATE t SET n = n + 1 WHERE id = 1", expect=1),
                Statement("DELETE FROM t WHERE id = 2", expect=1),
                Statement("SELECT n FROM t WHERE id = 1 FOR UPDATE"),
            ]
        )
    )
    for sql in (
        "CREATE TABLE u (id INT)", "ALTER TABLE t ADD COLUMN m INT", "DROP TABLE t", "TRUNCATE TABLE t",
        "CREATE INDEX i ON t (n)", "CREATE USER other", "GRANT SELECT ON t TO CURRENT_USER",
        "SELECT * FROM mysql.user", "SELECT * FROM orchard_test.orders", "SELECT 1 INTO OUTFILE '/tmp/x'",
    ):  # fmt: skip
        with pytest.raises(pymysql.MySQLError) as refused:
            functions.run(lambda tx, sql=sql: tx.execute(Statement(sql)))  # type: ignore[misc]  # a default
        assert refused.value.args[0] in {*_DENIED, 1045, 1290}, sql


def test_a_changed_password_reaches_the_account(
    account: settings.DatabaseSettings, functions: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with accounts.administrator(functions):
        functions.run(lambda tx: tx.rows("SELECT 1"))
    monkeypatch.setenv("ORCHARD_DATABASE_PASSWORD", secrets.token_urlsafe(24))
    settings.database.cache_clear()
    renewed = Connection(settings.database)
    with pytest.raises(pymysql.MySQLError):
        renewed.run(lambda tx: tx.rows("SELECT 1"))
    with accounts.administrator(renewed):
        assert renewed.run(lambda tx: tx.rows("SELECT 1 AS one")) == [{"one": 1}]
    renewed.discard()


class _Proxy(Connection):
    """A way to the database that does not hand the client's wish for matched rows on."""

    def get(self) -> "pymysql.connections.Connection[pymysql.cursors.DictCursor]":
        if self._connection is None:
            group = self._load_settings()
            self._connection = pymysql.connect(
                host=group.host, port=group.port, user=group.user, password=group.password.get_secret_value(),
                database=group.name, client_flag=CLIENT.MULTI_STATEMENTS, cursorclass=pymysql.cursors.DictCursor,
            )  # fmt: skip
        return self._connection


def test_a_way_that_counts_changed_rows_stops_the_deployment(
    account: settings.DatabaseSettings, functions: Connection
) -> None:
    with accounts.administrator(functions) as administrator:
        migrations.apply(administrator)
    accounts.prove(functions)
    proxied = _Proxy(lambda: account)
    with pytest.raises(RuntimeError, match="affected 0, expected 1"):
        accounts.prove(proxied)
    proxied.discard()


def test_without_an_administrator_the_functions_account_does_it(
    functions: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ORCHARD_DATABASE_ADMIN_SECRET_ID")
    with accounts.administrator(functions) as chosen:
        assert chosen is functions


def test_the_administrator_may_not_be_the_functions_account(
    functions: Connection, database_server: MariaDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHARD_DATABASE_USER", database_server.user)
    settings.database.cache_clear()
    with pytest.raises(settings.ConfigurationError, match="administrator"), accounts.administrator(functions):
        pytest.fail("went on")


def test_a_secret_is_not_waited_for_longer_than_functions_run(account: settings.DatabaseSettings) -> None:
    assert settings.database_administrator()
    times: Any = settings._secrets().client.meta.config
    assert (times.connect_timeout + times.read_timeout) * times.retries["total_max_attempts"] < 10


def test_a_missing_secret_is_named(functions: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHARD_DATABASE_ADMIN_SECRET_ID", "absent")
    with pytest.raises(settings.ConfigurationError, match="secret absent"), accounts.administrator(functions):
        pytest.fail("went on")
