"""Rows of the `scratch` fixture's table."""

from orchard.runtime.database import Connection, Statement, insert


def put(row_id: int, note: str = "") -> Statement:
    """Insert one row."""
    return insert("scratch", [{"id": row_id, "note": note}])


def notes(connection: Connection) -> dict[int, str]:
    """id -> note of all rows."""
    rows = connection.run(lambda tx: tx.rows("SELECT id, note FROM scratch ORDER BY id"))
    return {row["id"]: row["note"] for row in rows}
