"""Callback inbox: what a platform told us, stored durably before it is acknowledged or acted on."""

import json
from collections.abc import Mapping
from typing import Any

from orchard.core.ids import new_id
from orchard.runtime.database import Row, Statement, Tx


def store(tx: Tx, source: str, event_id: str, subject: str, payload: Mapping[str, Any]) -> int | None:
    """Keep a verified notification; returns its row id, or None when this event id was stored before.

    `payload` is the decrypted resource reduced to what we act on; it holds no personal data beyond an openid.
    """
    row_id = new_id()
    stored = tx.execute(
        Statement(
            "INSERT IGNORE INTO callback_inbox (id, source, event_id, subject, payload, received_at)"
            " VALUES (%s, %s, %s, %s, %s, UTC_TIMESTAMP(6))",
            (row_id, source, event_id, subject, json.dumps(payload, ensure_ascii=False)),
        )
    )
    return row_id if stored else None


def mark_processed(tx: Tx, source: str, event_id: str, outcome: str) -> None:
    """Remember what became of a stored notification; `outcome` is a short stable word."""
    tx.execute(processed(source, event_id, outcome))


def processed(source: str, event_id: str, outcome: str) -> Statement:
    """`mark_processed` as a statement, to travel with COMMIT."""
    return Statement(
        "UPDATE callback_inbox SET processed_at = UTC_TIMESTAMP(6), outcome = %s"
        " WHERE source = %s AND event_id = %s AND processed_at IS NULL",
        (outcome, source, event_id),
    )


def unprocessed(tx: Tx, source: str, limit: int, after_id: int = 0) -> list[Row]:
    """Stored notifications that were never finished, oldest first: id, event_id, subject, payload (JSON text)."""
    return tx.rows(
        "SELECT id, event_id, subject, payload FROM callback_inbox"
        " WHERE source = %s AND processed_at IS NULL AND id > %s ORDER BY id LIMIT %s",
        (source, after_id, limit),
    )


def purge_processed(tx: Tx, limit: int) -> int:
    """Delete up to `limit` notifications finished more than 90 days ago; they hold an openid. Returns how many.

    The platform repeats one for a day at most, and its bills reach back three months.
    """
    return tx.execute(
        Statement(
            "DELETE FROM callback_inbox WHERE processed_at < UTC_TIMESTAMP(6) - INTERVAL 90 DAY"
            " ORDER BY processed_at LIMIT %s",
            (limit,),
        )
    )
