"""Reading stock and its ledger in tests, and the law that binds them."""

from orchard.runtime.database import Connection


def levels(db: Connection) -> dict[int, tuple[int, int]]:
    """sku_id -> (on hand, reserved), summed over locations."""
    sql = (
        "SELECT sku_id, CAST(SUM(on_hand) AS SIGNED) AS on_hand, CAST(SUM(reserved) AS SIGNED) AS reserved"
        " FROM stock GROUP BY sku_id"
    )
    return {row["sku_id"]: (row["on_hand"], row["reserved"]) for row in db.run(lambda tx: tx.rows(sql))}


def ledger_counts(db: Connection) -> dict[str, int]:
    """Ledger rows by kind."""
    rows = db.run(lambda tx: tx.rows("SELECT kind, COUNT(*) AS n FROM stock_ledger GROUP BY kind"))
    return {row["kind"]: row["n"] for row in rows}


def assert_ledger_balances(db: Connection) -> None:
    """Per SKU and location the columns are the ledger's sums, and a line has one RESERVE and at most one end."""
    off = db.run(
        lambda tx: tx.rows(
            "SELECT s.sku_id, s.location_id FROM stock s LEFT JOIN"
            " (SELECT sku_id, location_id, SUM(delta_on_hand) AS on_hand, SUM(delta_reserved) AS reserved"
            "  FROM stock_ledger GROUP BY sku_id, location_id) l"
            " ON l.sku_id = s.sku_id AND l.location_id = s.location_id"
            " WHERE s.on_hand <> COALESCE(l.on_hand, 0) OR s.reserved <> COALESCE(l.reserved, 0)"
        )
    )
    assert off == []
    lines = db.run(
        lambda tx: tx.rows(
            "SELECT line_id FROM stock_ledger WHERE line_id > 0 GROUP BY line_id"
            " HAVING SUM(kind = 'RESERVE') <> 1 OR SUM(kind IN ('RELEASE', 'DEDUCT')) > 1"
        )
    )
    assert lines == []
