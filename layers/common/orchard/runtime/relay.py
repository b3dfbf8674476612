"""The outbox relay: committed events to every queue that subscribes to their topic, at least once."""

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from orchard.runtime import crash_points, outbox, settings
from orchard.runtime.database import Connection, Row
from orchard.runtime.jobs import Counts, TimeLeft
from orchard.runtime.logs import logger

_BATCH = 200
_SQS_ENTRIES = 10
_TIMEOUT_SECONDS = 5
# What one message can do to the nine beside it; everything else that SQS refuses, it refuses for all of them.
_SPOILED_BATCH = ("BatchRequestTooLong", "InvalidMessageContents")


def relay_outbox(connection: Connection, time_left: TimeLeft) -> Counts:
    """Publish what waits, oldest first, until there is no more or time runs out.

    A crash after sending sends again: consumers de-duplicate. What a queue does not take stays for the next run and
    holds up neither the other queues nor the events behind it.
    """
    queues = _client()
    down: set[str] = set()
    published = failed = after_id = 0
    while time_left:
        # mypy cannot infer a lambda with a default.
        rows = connection.run(lambda tx, after=after_id: outbox.unpublished(tx, _BATCH, after))  # type: ignore[misc]
        lost = _send(queues, rows, down)
        crash_points.reached("relay.sent")
        delivered = [row["id"] for row in rows if row["id"] not in lost]
        if delivered:
            # mypy cannot infer a lambda with a default.
            connection.run(lambda tx, ids=delivered: outbox.mark_published(tx, ids))  # type: ignore[misc]
            crash_points.reached("relay.marked")
        published += len(delivered)
        failed += len(lost)
        if len(rows) < _BATCH:
            break
        after_id = rows[-1]["id"]
    return {"published": published, "failed": failed}


def _client() -> Any:
    import boto3
    from botocore.config import Config

    retries: Any = {"total_max_attempts": 2, "mode": "standard"}
    return boto3.client(
        "sqs", config=Config(connect_timeout=_TIMEOUT_SECONDS, read_timeout=_TIMEOUT_SECONDS, retries=retries)
    )


def _send(queues: Any, rows: Sequence[Row], down: set[str]) -> set[int]:
    """Send each row to its subscribers; the ids of rows that at least one queue did not take.

    A queue that is found to be `down` is left alone for the rest of the run.
    """
    by_queue: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        for url in settings.subscriptions().get(row["topic"], []):
            by_queue[url].append(row)
    lost: set[int] = set()
    for url, waiting in by_queue.items():
        lost |= {row["id"] for row in waiting} if url in down else _send_all(queues, url, waiting, down)
    return lost


def _send_all(queues: Any, url: str, rows: Sequence[Row], down: set[str]) -> set[int]:
    from botocore.exceptions import BotoCoreError, ClientError

    lost: set[int] = set()
    for start in range(0, len(rows), _SQS_ENTRIES):
        try:
            lost |= _send_ten(queues, url, rows[start : start + _SQS_ENTRIES])
            crash_points.reached("relay.batch_sent")
        except (BotoCoreError, ClientError):
            # Out of reach, missing or throttled: trying on would take the other queues' time.
            logger.exception("queue does not take messages", queue=url)
            down.add(url)
            return lost | {row["id"] for row in rows[start:]}
    return lost


def _send_ten(queues: Any, url: str, rows: Sequence[Row]) -> set[int]:
    from botocore.exceptions import ClientError

    entries = [{"Id": str(row["id"]), "MessageBody": _message(row)} for row in rows]
    try:
        answer = queues.send_message_batch(QueueUrl=url, Entries=entries)
    except ClientError as error:
        if not error.response["Error"]["Code"].endswith(_SPOILED_BATCH):
            raise
        if len(rows) == 1:
            logger.exception("message not taken", queue=url, event_id=str(rows[0]["id"]))
            return {rows[0]["id"]}
        return set().union(*(_send_ten(queues, url, [row]) for row in rows))
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
