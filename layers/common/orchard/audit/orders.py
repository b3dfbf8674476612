"""Orders: sums that agree, states that follow the table, histories without gaps (M1 to M3, T1, T2, T4, X3, X10)."""

from orchard.audit.rules import Rule
from orchard.orders.models import TRANSITIONS

_ALLOWED = [f"{source.value}>{target.value}" for source, targets in TRANSITIONS.items() for target in targets]

RULES = (
    Rule(
        "M1",
        "a line's gross is its unit price times its quantity",
        "SELECT id, order_id FROM order_line WHERE @window(id)"
        " AND (gross_fen <> unit_price_fen * quantity OR quantity NOT BETWEEN 1 AND 999)",
        walk="order_line",
    ),
    Rule(
        "M2",
        "an order's payable is goods plus freight minus discounts",
        "SELECT order_number FROM orders WHERE @window(id) AND payable_fen + discount_fen <> goods_fen + freight_fen",
        walk="orders",
    ),
    Rule(
        "M3",
        "an order's amounts are the sums of its lines'",
        "SELECT o.order_number FROM orders o JOIN order_line l ON l.order_id = o.id WHERE @window(o.id) GROUP BY o.id"
        " HAVING SUM(l.gross_fen) <> MAX(o.goods_fen) OR SUM(l.discount_fen) <> MAX(o.discount_fen)"
        " OR SUM(l.freight_fen) <> MAX(o.freight_fen) OR SUM(l.payable_fen) <> MAX(o.payable_fen)",
        walk="orders",
    ),
    Rule(
        "X3",
        "an order has as many lines as it says",
        "SELECT o.order_number FROM orders o LEFT JOIN order_line l ON l.order_id = o.id"
        " WHERE @window(o.id) GROUP BY o.id"
        " HAVING COUNT(l.id) <> MAX(o.line_count)",
        walk="orders",
    ),
    Rule(
        "T1",
        "every step is in the table of transitions",
        "SELECT order_id, version, from_state, to_state FROM order_event WHERE @window(order_id)"
        " AND (version > 1"
        f" AND CONCAT(from_state, '>', to_state) NOT IN ({', '.join(['%s'] * len(_ALLOWED))})"
        " OR version = 1 AND (from_state IS NOT NULL OR to_state <> 'PENDING_PAY'))",
        _ALLOWED,
        walk="orders",
    ),
    Rule(
        "T2",
        "histories have no gap: each step begins where the one before ended",
        "SELECT order_id, version FROM (SELECT order_id, version, from_state,"
        " LAG(to_state) OVER (PARTITION BY order_id ORDER BY version) AS last_state,"
        " ROW_NUMBER() OVER (PARTITION BY order_id ORDER BY version) AS position FROM order_event"
        " WHERE @window(order_id)) AS steps"
        " WHERE position <> version OR (version > 1 AND NOT from_state <=> last_state)",
        walk="orders",
    ),
    Rule(
        "X10",
        "an order stands where its last step ended, at that step's version",
        "SELECT o.order_number FROM orders o LEFT JOIN order_event e ON e.order_id = o.id AND e.version = o.version"
        " WHERE @window(o.id) AND (e.to_state IS NULL OR e.to_state <> o.state"
        " OR (SELECT COUNT(*) FROM order_event x WHERE x.order_id = o.id) <> o.version)",
        walk="orders",
    ),
    Rule(
        "T4",
        "no unpaid order outlives its time by more than two sweeps",
        "SELECT order_number, expires_at FROM orders WHERE state = 'PENDING_PAY'"
        " AND expires_at < UTC_TIMESTAMP(6) - INTERVAL 3 MINUTE",
        settled=True,
    ),
)
