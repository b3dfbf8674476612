"""Stock: columns that equal their ledger, reservations that equal unpaid orders (S1 to S5, S9, X4 to X6)."""

from orchard.audit.rules import Rule

_HELD = (
    "SELECT l.sku_id, l.location_id, SUM(l.quantity) AS held FROM order_line l"
    " JOIN orders o ON o.id = l.order_id WHERE o.state = 'PENDING_PAY' GROUP BY l.sku_id, l.location_id"
)
_LEDGER = (
    "SELECT sku_id, location_id, SUM(delta_on_hand) AS on_hand, SUM(delta_reserved) AS reserved"
    " FROM stock_ledger WHERE @window(sku_id) GROUP BY sku_id, location_id"
)

RULES = (
    Rule(
        "S1",
        "what is reserved is on hand",
        "SELECT sku_id, location_id, on_hand, reserved FROM stock WHERE @window(sku_id) AND reserved > on_hand",
        walk="stock",
    ),
    Rule(
        "S2",
        "stock equals the sum of its ledger",
        "SELECT s.sku_id, s.location_id, s.on_hand, s.reserved, g.on_hand AS ledger_on_hand,"
        f" g.reserved AS ledger_reserved FROM stock s LEFT JOIN ({_LEDGER}) AS g"
        " ON g.sku_id = s.sku_id AND g.location_id = s.location_id"
        " WHERE @window(s.sku_id)"
        " AND (s.on_hand <> COALESCE(g.on_hand, 0) OR s.reserved <> COALESCE(g.reserved, 0))",
        walk="stock",
    ),
    Rule(
        "S2-row",
        "every ledger row has its stock row",
        "SELECT g.sku_id, g.location_id, g.kind FROM stock_ledger g LEFT JOIN stock s"
        " ON s.sku_id = g.sku_id AND s.location_id = g.location_id WHERE @window(g.sku_id) AND s.sku_id IS NULL",
        walk="stock",
    ),
    Rule(
        "S3",
        "what is reserved is what unpaid orders hold",
        f"SELECT s.sku_id, s.location_id, s.reserved, h.held FROM stock s LEFT JOIN ({_HELD}) AS h"
        " ON h.sku_id = s.sku_id AND h.location_id = s.location_id WHERE @window(s.sku_id)"
        " AND s.reserved <> COALESCE(h.held, 0)",
        walk="stock",
    ),
    Rule(
        "S5-reserve",
        "every order line was reserved once, in full",
        "SELECT l.id, l.order_id FROM order_line l LEFT JOIN stock_ledger g ON g.line_id = l.id AND g.kind = 'RESERVE'"
        " WHERE @window(l.id) GROUP BY l.id HAVING COUNT(g.line_id) <> 1 OR MAX(g.delta_reserved) <> MAX(l.quantity)",
        walk="order_line",
    ),
    Rule(
        "S5-settle",
        "an order line is settled once it left PENDING_PAY: deducted if ever paid, else released",
        "SELECT l.id, o.order_number, o.state, MAX(g.kind) AS kind FROM order_line l"
        " JOIN orders o ON o.id = l.order_id"
        " LEFT JOIN stock_ledger g ON g.line_id = l.id AND g.kind IN ('DEDUCT', 'RELEASE')"
        " WHERE @window(l.id) GROUP BY l.id"
        " HAVING COALESCE(MAX(g.kind), '-') <> CASE WHEN MAX(o.state) = 'PENDING_PAY' THEN '-'"
        " WHEN MAX(o.state) = 'CLOSED' THEN 'RELEASE' ELSE 'DEDUCT' END OR COUNT(g.line_id) > 1",
        walk="order_line",
    ),
    Rule(
        "S5-return",
        "no line gets more back than was deducted",
        "SELECT line_id, SUM(delta_on_hand) AS net FROM stock_ledger WHERE line_id > 0"
        " AND @window(line_id) GROUP BY line_id"
        " HAVING SUM(delta_on_hand) > 0",
        walk="order_line",
    ),
)
