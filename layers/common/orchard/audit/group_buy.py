"""Group-buy: never more seats than promised, complete or refunded to the last fen, nothing ships before (G1 to G5)."""

from orchard.audit.rules import Rule
from orchard.group_buy.models import GROUP_TRANSITIONS

_ALLOWED = [f"{source.value}>{target.value}" for source, targets in GROUP_TRANSITIONS.items() for target in targets]
_SEATED = "('PAID', 'SUCCESS')"

RULES = (
    Rule(
        "G1",
        "a group has no more paid and waiting members than seats",
        "SELECT g.id, g.size, COUNT(m.id) AS members FROM group_buy_group g JOIN group_buy_member m"
        f" ON m.group_id = g.id AND (m.state IN {_SEATED} OR m.state = 'RESERVED' AND g.state IN ('PENDING', 'OPEN')"
        " AND m.seat_until > UTC_TIMESTAMP(6)) WHERE @window(g.id) GROUP BY g.id HAVING COUNT(m.id) > MAX(g.size)",
        walk="group_buy_group",
    ),
    Rule(
        "G1-count",
        "a group's counter is the number of its paid members",
        "SELECT g.id, g.state, g.paid, COUNT(m.id) AS members FROM group_buy_group g LEFT JOIN group_buy_member m"
        f" ON m.group_id = g.id AND m.state IN {_SEATED} WHERE @window(g.id)"
        " AND g.state IN ('PENDING', 'OPEN', 'SUCCESS') GROUP BY g.id"
        " HAVING COUNT(m.id) <> MAX(g.paid)",
        walk="group_buy_group",
    ),
    Rule(
        "G1-member",
        "a member sits in a group once, and in one live group of an activity",
        "SELECT activity_id, member_id, MAX(group_id) AS group_id FROM group_buy_member"
        " WHERE @window(activity_id) AND state IN ('RESERVED', 'PAID') GROUP BY activity_id, member_id"
        " HAVING COUNT(*) > 1"
        " UNION ALL SELECT activity_id, member_id, group_id FROM group_buy_member"
        " WHERE @window(activity_id) AND state IN ('RESERVED', 'PAID', 'SUCCESS')"
        " GROUP BY activity_id, member_id, group_id HAVING COUNT(*) > 1",
        walk="group_buy_activity",
    ),
    Rule(
        "G1-time",
        "nobody joined a group past its time",
        "SELECT m.id, m.group_id, m.created_at, g.expires_at FROM group_buy_member m"
        " JOIN group_buy_group g ON g.id = m.group_id WHERE @window(m.id) AND m.created_at > g.expires_at",
        walk="group_buy_member",
    ),
    Rule(
        "G2",
        "a group is complete exactly when every seat is paid in time or declared simulated",
        "SELECT id, state, size, paid, simulated FROM group_buy_group"
        " WHERE @window(id) AND ((state = 'SUCCESS') <> (paid + simulated = size AND state <> 'FAILED')"
        " OR state = 'SUCCESS' AND simulated = 0 AND ended_at > expires_at OR simulated > 0 AND simulates = 0)",
        walk="group_buy_group",
    ),
    Rule(
        "G2-seat",
        "a seat stands as its group does",
        "SELECT m.id, m.state, g.id AS group_id, g.state AS group_state FROM group_buy_member m"
        " JOIN group_buy_group g ON g.id = m.group_id WHERE @window(m.id) AND (m.state = 'PAID' AND g.state <> 'OPEN'"
        " OR m.state = 'SUCCESS' AND g.state <> 'SUCCESS')",
        walk="group_buy_member",
    ),
    Rule(
        "G2-step",
        "every step of a group is in the table of transitions, and it stands where its last one ended",
        "SELECT e.group_id, e.version, e.from_state, e.to_state FROM group_buy_group_event e"
        " WHERE @window(e.group_id) AND e.version > 1"
        f" AND CONCAT(e.from_state, '>', e.to_state) NOT IN ({', '.join(['%s'] * len(_ALLOWED))})"
        " UNION ALL SELECT g.id, g.version, NULL, g.state FROM group_buy_group g LEFT JOIN group_buy_group_event e"
        " ON e.group_id = g.id AND e.version = g.version WHERE @window(g.id)"
        " AND (e.to_state IS NULL OR e.to_state <> g.state)",
        _ALLOWED,
        walk="group_buy_group",
    ),
    Rule(
        "G3",
        "whoever paid for a group that failed has everything back, and the goods are on the shelf again",
        "SELECT m.order_number, m.state, o.state AS order_state FROM group_buy_member m"
        " LEFT JOIN orders o ON o.id = m.order_id WHERE m.state = 'REFUNDING'"
        " OR m.state = 'REFUNDED' AND (o.state <> 'REFUNDED' OR EXISTS (SELECT 1 FROM order_line l LEFT JOIN"
        " stock_ledger s ON s.line_id = l.id AND s.kind = 'RETURN' AND s.delta_on_hand = l.quantity"
        " WHERE l.order_id = o.id AND s.line_id IS NULL))",
        settled=True,
    ),
    Rule(
        "G4",
        "an order with a seat waits, ships and goes back as its seat says",
        "SELECT o.order_number, o.state, m.state AS seat_state FROM group_buy_member m JOIN orders o"
        " ON o.id = m.order_id WHERE @window(m.id) AND (m.member_id <> o.member_id OR CASE m.state WHEN 'RESERVED'"
        " THEN o.state <> 'PENDING_PAY' WHEN 'CANCELLED' THEN o.state <> 'CLOSED' WHEN 'PAID'"
        " THEN o.state <> 'GROUPING' WHEN 'REFUNDING' THEN o.state NOT IN ('GROUPING', 'REFUNDING')"
        " WHEN 'REFUNDED' THEN o.state <> 'REFUNDED' ELSE o.state IN ('PENDING_PAY', 'PAID', 'GROUPING', 'CLOSED',"
        " 'REFUNDING') END)",
        walk="group_buy_member",
    ),
    Rule(
        "G4-seat",
        "an order at an activity's price has a seat, and no order waits without one",
        "SELECT o.order_number, o.state FROM orders o LEFT JOIN group_buy_member m ON m.order_id = o.id"
        " WHERE @window(o.id) AND (o.state IN ('GROUPING', 'REFUNDING') OR o.trace LIKE '%%\"group_buy:%%')"
        " AND m.id IS NULL",
        (),
        walk="orders",
    ),
    Rule(
        "G5",
        "an order on its way back has its refund in the books",
        "SELECT o.order_number, o.state FROM orders o LEFT JOIN refund f ON f.order_id = o.id"
        " AND f.request_key = 'group_buy' WHERE @window(o.id) AND o.state = 'REFUNDING' AND f.id IS NULL",
        walk="orders",
    ),
    Rule(
        "G5-moved",
        "whoever was moved sits in the group that they were moved to, with the same order",
        "SELECT m.id, m.order_number, m.moved_to FROM group_buy_member m LEFT JOIN group_buy_member n"
        " ON n.group_id = m.moved_to AND n.order_number = m.order_number WHERE @window(m.id)"
        " AND m.state = 'MOVED' AND n.id IS NULL",
        walk="group_buy_member",
    ),
    Rule(
        "G-quota",
        "what is taken of an activity's stock is what its seats hold, within the quota",
        "SELECT s.activity_id, s.sku_id, s.quota, s.taken, COALESCE(SUM(m.units), 0) AS held FROM group_buy_sku s"
        " LEFT JOIN group_buy_member m ON m.activity_id = s.activity_id AND m.sku_id = s.sku_id AND m.quota_held = 1"
        " WHERE @window(s.activity_id) GROUP BY s.activity_id, s.sku_id"
        " HAVING MAX(s.taken) <> COALESCE(SUM(m.units), 0)"
        " OR MAX(s.taken) > MAX(s.quota)",
        walk="group_buy_activity",
    ),
    Rule(
        "G-sweep",
        "no group outlives its time by more than two sweeps",
        "SELECT id, expires_at FROM group_buy_group WHERE state = 'OPEN'"
        " AND expires_at < UTC_TIMESTAMP(6) - INTERVAL 3 MINUTE",
        settled=True,
    ),
)
