"""What the statements rely on is set by the connection itself: a managed server comes with defaults of its own."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from orchard.runtime.database import Connection
from orchard.runtime.settings import DatabaseSettings
from tests.support import database

FOREIGN_DEFAULTS = ("--transaction-isolation=REPEATABLE-READ", "--default-time-zone=+08:00", "--sql-mode=")


def test_a_server_with_other_defaults_changes_nothing(tmp_path: Path) -> None:
    with database.private_server(tmp_path, *FOREIGN_DEFAULTS) as server:
        values = {"host": server.host, "port": server.port, "user": server.user, "password": server.password}
        connection = Connection(lambda: DatabaseSettings.model_validate(values | {"name": database.NAME}))
        found = connection.run(
            lambda tx: tx.rows(
                "SELECT @@sql_mode AS mode, TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), CURRENT_TIMESTAMP()) AS ahead"
            )
        )
        given, isolation = (_isolation(connection, scope) for scope in ("GLOBAL", "SESSION"))
        connection.discard()
    assert (given, isolation) == ("REPEATABLE-READ", "READ-COMMITTED")
    assert "STRICT_TRANS_TABLES" in found[0]["mode"]
    assert found[0]["ahead"] == 0


@pytest.mark.parametrize("host", ["database.example.com", "10.0.0.7", "::ffff:10.0.0.7"])
def test_a_database_that_is_not_on_this_machine_needs_tls(host: str) -> None:
    values = {"host": host, "name": "orchard", "user": "shop", "password": "x" * 16}
    with pytest.raises(ValidationError, match="TLS_CA"):
        DatabaseSettings.model_validate(values)
    assert DatabaseSettings.model_validate(values | {"tls_ca": "/etc/ca.pem"}).host == host


def _isolation(connection: Connection, scope: str) -> str:
    """The variable is called otherwise in MySQL than in MariaDB 10."""
    sql = f"SHOW {scope} VARIABLES WHERE Variable_name IN ('tx_isolation', 'transaction_isolation')"
    return str(connection.run(lambda tx: tx.rows(sql))[0]["Value"])
