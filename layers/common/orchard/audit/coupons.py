"""Coupons: never more than promised, one order each, budgets that equal what was taken off (C1 to C5, X7)."""

from orchard.audit.rules import Rule
from orchard.coupons.models import TRANSITIONS

_ALLOWED = [f"{source.value}>{target.value}" for source, targets in TRANSITIONS.items() for target in targets]
# An order that ever had a coupon says so in its trace, which is never rewritten.
_TRACED = 'o.trace LIKE \'%%"step": "coupon"%%\''
_TAKEN = (
    "SELECT template_id, SUM(discount_fen) AS taken FROM coupon WHERE @window(template_id) AND budgeted = 1"
    " AND state IN ('LOCKED', 'USED')"
    " GROUP BY template_id"
)

RULES = (
    Rule(
        "C1",
        "a template's counter is the number of its coupons, within its quota",
        "SELECT t.id, t.issued, t.quota, COUNT(c.id) AS coupons FROM coupon_template t"
        " LEFT JOIN coupon c ON c.template_id = t.id WHERE @window(t.id) GROUP BY t.id"
        " HAVING COUNT(c.id) <> MAX(t.issued) OR MAX(t.issued) > MAX(t.quota)",
        walk="coupon_template",
    ),
    Rule(
        "C1-member",
        "a member's coupons of one template fill the slots from 1 without a gap",
        "SELECT template_id, member_id, MAX(slot) AS highest, COUNT(*) AS coupons FROM coupon"
        " WHERE @window(template_id) GROUP BY template_id, member_id HAVING MAX(slot) <> COUNT(*)",
        walk="coupon_template",
    ),
    Rule(
        "C2",
        "every step of a coupon is in the table of transitions",
        "SELECT coupon_id, version, from_state, to_state FROM coupon_event WHERE @window(coupon_id)"
        " AND (version > 1"
        f" AND CONCAT(from_state, '>', to_state) NOT IN ({', '.join(['%s'] * len(_ALLOWED))})"
        " OR version = 1 AND (from_state IS NOT NULL OR to_state <> 'AVAILABLE'))",
        _ALLOWED,
        walk="coupon",
    ),
    Rule(
        "C2-chain",
        "histories have no gap: each step begins where the one before ended",
        "SELECT coupon_id, version FROM (SELECT coupon_id, version, from_state,"
        " LAG(to_state) OVER (PARTITION BY coupon_id ORDER BY version) AS last_state,"
        " ROW_NUMBER() OVER (PARTITION BY coupon_id ORDER BY version) AS position FROM coupon_event"
        " WHERE @window(coupon_id)) AS steps"
        " WHERE position <> version OR (version > 1 AND NOT from_state <=> last_state)",
        walk="coupon",
    ),
    Rule(
        "C2-end",
        "a coupon stands where its last step ended, at that step's version",
        "SELECT c.id FROM coupon c LEFT JOIN coupon_event e ON e.coupon_id = c.id AND e.version = c.version"
        " WHERE @window(c.id) AND (e.to_state IS NULL OR e.to_state <> c.state)",
        walk="coupon",
    ),
    Rule(
        "C2-return",
        "a used coupon came back only by its terms, after the whole order was refunded",
        "SELECT e.coupon_id, e.order_id FROM coupon_event e JOIN coupon c ON c.id = e.coupon_id"
        " LEFT JOIN orders o ON o.id = e.order_id WHERE @window(e.coupon_id) AND e.from_state = 'USED'"
        " AND (c.returns_on_refund = 0 OR o.id IS NULL OR o.state <> 'REFUNDED')",
        walk="coupon",
    ),
    Rule(
        "C3",
        "a locked coupon's order waits for its payment, a used one's was paid, and both are its owner's",
        "SELECT c.id, c.state, o.state AS order_state FROM coupon c LEFT JOIN orders o ON o.id = c.order_id"
        " WHERE @window(c.id) AND c.state IN ('LOCKED', 'USED') AND (o.id IS NULL OR o.member_id <> c.member_id"
        " OR (c.state = 'LOCKED') <> (o.state = 'PENDING_PAY') OR (c.state = 'USED') <> (o.paid_at IS NOT NULL))",
        walk="coupon",
    ),
    Rule(
        "X7",
        "an unpaid or paid order whose price had a coupon holds that coupon, unless it was refunded",
        "SELECT o.order_number, o.state FROM orders o LEFT JOIN coupon c ON c.order_id = o.id"
        f" WHERE @window(o.id) AND ({_TRACED} AND o.state NOT IN ('CLOSED', 'REFUNDED') AND c.id IS NULL"
        " OR c.id IS NOT NULL AND (o.state = 'CLOSED' OR NOT " + _TRACED + "))",
        (),
        walk="orders",
    ),
    Rule(
        "C4",
        "a discount stays within the goods it is for, and they met the threshold",
        "SELECT id, discount_fen, eligible_fen, threshold_fen FROM coupon WHERE @window(id) AND order_id IS NOT NULL"
        " AND (discount_fen > eligible_fen OR eligible_fen < threshold_fen"
        " OR kind = 'AMOUNT' AND discount_fen > amount_fen OR discount_fen > cap_fen"
        " OR locked_at < starts_at OR locked_at >= ends_at)",
        walk="coupon",
    ),
    Rule(
        "C4-order",
        "an order's discount holds its coupon's",
        "SELECT c.id, c.discount_fen, o.discount_fen AS order_discount FROM coupon c JOIN orders o ON o.id = c.order_id"
        " WHERE @window(c.id) AND o.discount_fen < c.discount_fen",
        walk="coupon",
    ),
    Rule(
        "C5",
        "a budget's spending is what its locked and used coupons took off, within the budget",
        "SELECT t.id, t.budget_fen, t.budget_spent_fen, s.taken FROM coupon_template t"
        f" LEFT JOIN ({_TAKEN}) AS s ON s.template_id = t.id"
        " WHERE @window(t.id) AND (t.budget_spent_fen <> COALESCE(s.taken, 0) OR t.budget_spent_fen > t.budget_fen)",
        walk="coupon_template",
    ),
    Rule(
        "C-code",
        "a redeemed code has its member's coupon of its template",
        "SELECT HEX(k.code_hash) AS code FROM coupon_code k LEFT JOIN coupon c ON c.id = k.coupon_id"
        " AND c.member_id = k.member_id AND c.template_id = k.template_id"
        " WHERE k.coupon_id IS NOT NULL AND @window(k.coupon_id) AND c.id IS NULL",
        walk="coupon",
    ),
    Rule(
        "C-sweep",
        "no unused coupon outlives its end by more than two sweeps",
        "SELECT id, ends_at FROM coupon WHERE state = 'AVAILABLE' AND ends_at < UTC_TIMESTAMP(6) - INTERVAL 3 HOUR",
        settled=True,
    ),
)
