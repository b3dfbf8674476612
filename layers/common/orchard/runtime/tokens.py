"""Access tokens of platforms, shared by all instances: one row per name, encrypted, replaced as a whole."""

from datetime import datetime

from orchard.core import clock
from orchard.runtime import personal_data
from orchard.runtime.database import Connection, Statement


class DatabaseTokenStore:
    """The stored token of one name, such as `wechat:<app id>`. Each method is a short transaction of its own."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._name = name
        self._context = f"access_token.token_sealed:{name}"

    def load(self) -> tuple[str, datetime] | None:
        """The token and its expiry (aware, UTC), or None."""
        sql = "SELECT token_sealed, expires_at FROM access_token WHERE name = %s"
        row = self._connection.run(lambda tx: tx.row(sql, (self._name,)))
        if row is None:
            return None
        return personal_data.decrypt(row["token_sealed"], self._context), clock.from_database(row["expires_at"])

    def save(self, token: str, expires_at: datetime) -> None:
        """Replace the token; the last one to come stays, and a refused token makes its finder ask the platform."""
        sealed = personal_data.encrypt(token, self._context)
        statement = Statement(
            "INSERT INTO access_token (name, token_sealed, expires_at) VALUES (%s, %s, %s)"
            " ON DUPLICATE KEY UPDATE token_sealed = VALUES(token_sealed), expires_at = VALUES(expires_at)",
            (self._name, sealed, clock.to_database(expires_at)),
        )
        self._connection.run(lambda tx: tx.execute(statement))
