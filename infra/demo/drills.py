"""Time that passes for a part of the shop, so that nobody has to wait for it: drills, never called by a function."""

from orchard.runtime.database import Connection, Statement

_COLUMNS = {
    ("group_buy_group", "id"): ("created_at", "expires_at"),
    ("group_buy_member", "group_id"): ("created_at", "seat_until", "paid_at"),
}


def let_group_time_pass(db: Connection, group_id: int, hours: int) -> None:
    """Move a group and its seats `hours` into the past, as if that time had gone by for them."""
    statements = []
    for (table, key), columns in _COLUMNS.items():
        moved = ", ".join(f"{column} = {column} - INTERVAL %s HOUR" for column in columns)
        statements.append(
            Statement(f"UPDATE {table} SET {moved} WHERE {key} = %s", [hours] * len(columns) + [group_id])
        )
    db.run(lambda tx: tx.packet(statements))
