"""Outbox: events committed with the change they tell of, published afterwards at least once.

A row is written by the business transaction and published to every queue that subscribes to its topic. Consumers
de-duplicate by event id (`consume_once`).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from orchard.core.ids import new_id
from orchard.runtime.database import Row, Statement, Tx, insert, placeholders


def emit(topic: str, subject: str, payload: Mapping[str, Any]) -> Statement:
    """The statement that writes one event. `subject` names the thing it is about (an order number, a SKU id).

    `payload` is JSON without personal data; the pair (topic, subject, payload.version if any) is up to the caller.
    """
    return insert("outbox", [_row(topic, subject, payload)])


def emit_many(topic: str, events: Sequence[tuple[str, Mapping[str, Any]]]) -> Statement:
    """Several events of one topic in one INSERT; `events` is (subject, payload) pairs, not empty."""
    return insert("outbox", [_row(topic, subject, payload) for subject, payload in events])


def _row(topic: str, subject: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return {"id": new_id(), "topic": topic, "subject": subject, "payload": body}


def unpublished(tx: Tx, limit: int, after_id: int = 0) -> list[Row]:
    """The oldest rows that were not published: id, topic, subject, payload (JSON text), created_at."""
    return tx.rows(
        "SELECT id, topic, subject, payload, created_at FROM outbox"
        " WHERE published_at IS NULL AND id > %s ORDER BY id LIMIT %s",
        (after_id, limit),
    )


def mark_published(tx: Tx, ids: Sequence[int]) -> int:
    """Remember that these rows reached every subscribed queue."""
    return tx.execute(
        Statement(
            "UPDATE outbox SET published_at = UTC_TIMESTAMP(6)"
            f" WHERE published_at IS NULL AND id IN ({placeholders(ids)})",
            list(ids),
        )
    )


def consume_once(tx: Tx, consumer: str, event_id: int) -> bool:
    """Whether this consumer sees the event for the first time; commits with the consumer's own effect."""
    return (
        tx.execute(
            Statement(
                "INSERT IGNORE INTO consumed_event (consumer, event_id, consumed_at) VALUES (%s, %s, UTC_TIMESTAMP(6))",
                (consumer, event_id),
            )
        )
        == 1
    )


def purge_published(tx: Tx, limit: int) -> int:
    """Delete up to `limit` rows published more than seven days ago; returns how many."""
    return tx.execute(
        Statement(
            "DELETE FROM outbox WHERE published_at < UTC_TIMESTAMP(6) - INTERVAL 7 DAY ORDER BY published_at LIMIT %s",
            (limit,),
        )
    )


def purge_consumed(tx: Tx, limit: int) -> int:
    """Delete up to `limit` de-duplication rows older than 30 days, twice SQS's longest retention."""
    return tx.execute(
        Statement(
            "DELETE FROM consumed_event WHERE consumed_at < UTC_TIMESTAMP(6) - INTERVAL 30 DAY"
            " ORDER BY consumed_at LIMIT %s",
            (limit,),
        )
    )
