"""Outbox and idempotency: one event per committed change, one outcome per key (O1, O2, D1)."""

from orchard.audit.rules import Rule

# Published rows are purged after seven days, so older orders cannot be compared.
_RECENT = "o.created_at > UTC_TIMESTAMP(6) - INTERVAL 6 DAY"


def _one_event(topic: str, where: str) -> str:
    return (
        "SELECT o.order_number, COUNT(x.id) AS events FROM orders o"
        f" LEFT JOIN outbox x ON x.subject = o.order_number AND x.topic = '{topic}'"
        f" WHERE {_RECENT} AND @window(o.id) GROUP BY o.id HAVING COUNT(x.id) <> MAX({where})"
    )


RULES = (
    Rule("O1-placed", "every order has exactly one order.placed event", _one_event("order.placed", "1"), walk="orders"),
    Rule(
        "O1-paid",
        "an order that was ever paid has exactly one order.paid event, others none",
        _one_event("order.paid", "IF(o.paid_at IS NULL, 0, 1)"),
        walk="orders",
    ),
    Rule(
        "O1-closed",
        "a closed order has exactly one order.closed event, others none",
        _one_event("order.closed", "IF(o.state = 'CLOSED', 1, 0)"),
        walk="orders",
    ),
    Rule(
        "O2",
        "events reach their queues",
        "SELECT id, topic, subject FROM outbox WHERE published_at IS NULL"
        " AND created_at < UTC_TIMESTAMP(6) - INTERVAL 5 MINUTE",
        settled=True,
    ),
    Rule(
        "D1-answer",
        "a committed key has its answer",
        "SELECT member_id, operation, idempotency_key FROM idempotency WHERE status IS NULL OR body IS NULL",
    ),
    Rule(
        "D1-order",
        "an answer that names an order tells the truth",
        "SELECT i.member_id, i.idempotency_key FROM idempotency i LEFT JOIN orders o"
        " ON o.order_number = JSON_UNQUOTE(JSON_EXTRACT(i.body, '$.order_number')) AND o.member_id = i.member_id"
        " WHERE i.operation = 'place_order' AND o.id IS NULL",
    ),
    Rule(
        "O2-inbox",
        "a notification that was acknowledged is acted on",
        "SELECT source, event_id FROM callback_inbox WHERE processed_at IS NULL"
        " AND received_at < UTC_TIMESTAMP(6) - INTERVAL 3 MINUTE",
        settled=True,
    ),
)
