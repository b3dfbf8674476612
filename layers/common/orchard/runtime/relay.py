"""The outbox relay: committed events to every queue that subscribes to their topic, at least once."""

import json
from collections import defaultdict
from typing import Any

from orchard.runtime import outbox, settings
from orchard.runtime.database import Connection, Row
from orchard.runtime.jobs import Counts, TimeLeft

_BATCH = 200
_SQS_ENTRIES = 10


def relay_outbox(connection: Connection, time_left: TimeLeft) -> Counts:
    """Publish until the outbox is empty or time runs out. A crash after sending sends again: consumers de-duplicate."""
    import boto3

    queues = boto3.client("sqs")
    published = failed = 0
    while time_left:
        rows = connection.run(lambda tx: outbox.unpublished(tx, _BATCH))
        lost = _send(queues, rows)
        delivered = [row["id"] for row in rows if row["id"] not in lost]
        if delivered:
            connection.run(lambda tx, ids=delivered: outbox.mark_published(tx, ids))  # type: ignore[misc]
        published += len(delivered)
        failed += len(rows) - len(delivered)
        if len(rows) < _BATCH or not delivered:
            break
    return {"published": published, "failed": failed}


def _send(queues: Any, rows: list[Row]) -> set[int]:
    """Send each row to its subscribers; the ids of rows that at least one queue did not take."""
    by_queue: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        for url in settings.subscriptions().get(row["topic"], []):
            by_queue[url].append(row)
    lost: set[int] = set()
    for url, batch in by_queue.items():
        for start in range(0, len(batch), _SQS_ENTRIES):
            lost |= _send_ten(queues, url, batch[start : start + _SQS_ENTRIES])
    return lost


def _send_ten(queues: Any, url: str, rows: list[Row]) -> set[int]:
    entries = [{"Id": str(row["id"]), "MessageBody": _message(row)} for row in rows]
    answer = queues.send_message_batch(QueueUrl=url, Entries=entries)
    return {int(entry["Id"]) for entry in answer.get("Failed", [])}


def _message(row: Row) -> str:
    return json.dumps(
        {
            "id": str(row["id"]),
            "topic": row["topic"],
            "subject": row["subject"],
            "payload": json.loads(row["payload"]),
        },
        ensure_ascii=False,
    )
