"""Money: every fen that came has an owner, every fen that went was due, the books balance (M4 to M7, M10, X1, X2)."""

from orchard.audit.rules import Rule

_LIVE = "('CREATED', 'PROCESSING', 'SUCCESS')"

RULES = (
    Rule(
        "M4",
        "what a payment asks and what its order is paid with is the order's payable",
        "SELECT o.order_number, o.payable_fen, p.amount_fen, r.amount_fen AS received_fen FROM orders o"
        " JOIN payment p ON p.order_id = o.id"
        " LEFT JOIN payment_receipt r ON r.payment_id = p.id AND r.effective = 1"
        " WHERE @window(o.id) AND (p.amount_fen <> o.payable_fen OR r.amount_fen <> o.payable_fen)",
        walk="orders",
    ),
    Rule(
        "M4-paid",
        "an order is paid exactly when its money came, unless it cost nothing",
        "SELECT o.order_number, o.state FROM orders o LEFT JOIN payment p ON p.order_id = o.id"
        " LEFT JOIN payment_receipt r ON r.payment_id = p.id AND r.effective = 1"
        " WHERE @window(o.id) AND o.payable_fen > 0 AND (o.paid_at IS NULL) <> (r.id IS NULL)",
        walk="orders",
    ),
    Rule(
        "X1",
        "the payables of all paid orders are the sum of all effective receipts",
        "SELECT * FROM (SELECT (SELECT COALESCE(SUM(payable_fen), 0) FROM orders WHERE paid_at IS NOT NULL"
        " AND @window(id))"
        " AS paid_fen,"
        " (SELECT COALESCE(SUM(r.amount_fen), 0) FROM orders o JOIN payment p ON p.order_id = o.id"
        " JOIN payment_receipt r ON r.payment_id = p.id AND r.effective = 1 WHERE @window(o.id))"
        " AS received_fen) AS totals"
        " WHERE paid_fen <> received_fen",
        walk="orders",
    ),
    Rule(
        "X1-owner",
        "every receipt belongs to the payment of an order",
        "SELECT r.transaction_id, r.amount_fen FROM payment_receipt r LEFT JOIN payment p ON p.id = r.payment_id"
        " LEFT JOIN orders o ON o.id = p.order_id WHERE @window(r.id) AND o.id IS NULL",
        walk="payment_receipt",
    ),
    Rule(
        "M5",
        "money beyond an order's payable has gone back",
        "SELECT p.order_number, SUM(r.amount_fen) AS surplus_fen, SUM(COALESCE(b.returned_fen, 0)) AS returned_fen"
        " FROM payment_receipt r JOIN payment p ON p.id = r.payment_id LEFT JOIN"
        " (SELECT receipt_id, SUM(amount_fen) AS returned_fen FROM refund WHERE state = 'SUCCESS'"
        " GROUP BY receipt_id) AS b"
        " ON b.receipt_id = r.id WHERE r.effective IS NULL GROUP BY p.id"
        " HAVING SUM(r.amount_fen) <> SUM(COALESCE(b.returned_fen, 0))",
        settled=True,
    ),
    Rule(
        "M6",
        "refunds of one receipt, in flight or done, stay within it and are at most fifty",
        "SELECT r.id, r.amount_fen, SUM(f.amount_fen) AS refunds_fen, COUNT(f.id) AS refunds FROM"
        " (SELECT DISTINCT receipt_id FROM refund WHERE @window(id)) AS moved"
        " JOIN payment_receipt r ON r.id = moved.receipt_id"
        f" JOIN refund f ON f.payment_id = r.payment_id AND f.receipt_id = r.id AND f.state IN {_LIVE} GROUP BY r.id"
        " HAVING SUM(f.amount_fen) > r.amount_fen OR COUNT(f.id) > 50",
        walk="refund",
    ),
    Rule(
        "M6-line",
        "no line gives back more goods, freight or units than it was paid for",
        "SELECT l.id, l.order_id FROM"
        " (SELECT DISTINCT order_line_id FROM refund_line WHERE @window(refund_id)) AS moved"
        " JOIN order_line l ON l.id = moved.order_line_id JOIN refund_line x ON x.order_line_id = l.id"
        f" JOIN refund f ON f.id = x.refund_id AND f.state IN {_LIVE} GROUP BY l.id"
        " HAVING SUM(x.goods_fen) > MAX(l.payable_fen - l.freight_fen) OR SUM(x.freight_fen) > MAX(l.freight_fen)"
        " OR SUM(x.units) > MAX(l.quantity)",
        walk="refund",
    ),
    Rule(
        "M6-sum",
        "a refund of an order is the sum of its lines",
        "SELECT f.out_refund_no, f.amount_fen, SUM(x.goods_fen + x.freight_fen) AS lines_fen FROM refund f"
        " LEFT JOIN refund_line x ON x.refund_id = f.id WHERE f.kind = 'ORDER' AND @window(f.id) GROUP BY f.id"
        " HAVING COALESCE(SUM(x.goods_fen + x.freight_fen), 0) <> f.amount_fen",
        walk="refund",
    ),
    Rule(
        "M6-order",
        "an order is REFUNDED exactly when everything paid has gone back",
        "SELECT o.order_number, o.state, o.payable_fen, SUM(f.amount_fen) AS refunded_fen FROM orders o"
        " LEFT JOIN payment p ON p.order_id = o.id"
        " LEFT JOIN payment_receipt r ON r.payment_id = p.id AND r.effective = 1"
        " LEFT JOIN refund f ON f.payment_id = p.id AND f.receipt_id = r.id AND f.state = 'SUCCESS'"
        " WHERE @window(o.id) AND o.payable_fen > 0 GROUP BY o.id"
        " HAVING (o.state = 'REFUNDED') <> (COALESCE(SUM(f.amount_fen), 0) = o.payable_fen)",
        walk="orders",
    ),
    Rule(
        "M7",
        "every entry of the books balances",
        "SELECT entry_id, SUM(amount_fen) AS off_by_fen FROM money_posting WHERE @window(entry_id) GROUP BY entry_id"
        " HAVING SUM(amount_fen) <> 0",
        walk="money_posting",
    ),
    Rule(
        "M7-receipt",
        "every receipt is posted once, in full",
        "SELECT r.transaction_id, r.amount_fen, m.amount_fen AS posted_fen FROM payment_receipt r"
        " LEFT JOIN money_posting m ON m.account = 'gateway_clearing'"
        " AND m.cause = CONCAT(IF(r.effective = 1, 'payment:', 'surplus:'), r.transaction_id)"
        " WHERE @window(r.id) AND COALESCE(m.amount_fen, 0) <> r.amount_fen",
        walk="payment_receipt",
    ),
    Rule(
        "X2",
        "every refund that succeeded is posted once, in full, and no other",
        "SELECT f.out_refund_no, f.state, f.amount_fen, m.amount_fen AS posted_fen FROM refund f"
        " LEFT JOIN money_posting m ON m.account = 'gateway_clearing' AND m.cause = CONCAT('refund:', f.out_refund_no)"
        " WHERE @window(f.id) AND COALESCE(m.amount_fen, 0) <> IF(f.state = 'SUCCESS', -CAST(f.amount_fen"
        " AS SIGNED), 0)",
        walk="refund",
    ),
    Rule(
        "M10",
        "nothing stays unknown for a day",
        "SELECT id, payment_id, kind FROM payment_call WHERE ended_at IS NULL"
        " AND started_at < UTC_TIMESTAMP(6) - INTERVAL 24 HOUR",
        settled=True,
    ),
)
