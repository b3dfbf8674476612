"""SQS workers: partial batch responses, each message in a transaction of its own, each event acted on once."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from orchard.runtime import crash_points, outbox
from orchard.runtime.database import Connection, Tx, connection
from orchard.runtime.logs import count, invocation, logger, request_id_of
from orchard.runtime.unexpected import count_if_unexpected


@dataclass(frozen=True, slots=True)
class QueuedEvent:
    """One published event: its outbox id, topic, subject and payload."""

    id: int
    topic: str
    subject: str
    payload: dict[str, Any]


class Worker:
    """The function behind one queue.

    `act(tx, event)` runs in the transaction that also remembers the event, so its effect happens exactly once.
    `react(connection, event)` is for work that calls a platform and is idempotent by itself. Give one of them.
    """

    def __init__(
        self,
        name: str,
        act: Callable[[Tx, QueuedEvent], None] | None = None,
        *,
        react: Callable[[Connection, QueuedEvent], None] | None = None,
    ) -> None:
        if (act is None) == (react is None):
            raise ValueError("give either act or react")
        self._name, self._act, self._react = name, act, react

    def handler(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Lambda entry point for an SQS batch; only the messages that failed come again."""
        with invocation(self._name, request_id_of(context)):
            failed = [record["messageId"] for record in event["Records"] if not self._handled(record)]
            return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    def _handled(self, record: dict[str, Any]) -> bool:
        try:
            self._consume(_parse(record["body"]))
            crash_points.reached("queues.consumed")
        except Exception as error:
            logger.exception("message failed", message_id=record["messageId"])
            count("MessagesFailed")
            count_if_unexpected(error)
            return False
        count("MessagesHandled")
        return True

    def _consume(self, event: QueuedEvent) -> None:
        if self._react is not None:
            self._react(connection, event)
        elif self._act is not None:
            connection.run(lambda tx: self._once(tx, event))

    def _once(self, tx: Tx, event: QueuedEvent) -> None:
        if self._act is not None and outbox.consume_once(tx, self._name, event.id):
            self._act(tx, event)
            crash_points.reached("queues.acted")


def _parse(body: str) -> QueuedEvent:
    message = json.loads(body)
    return QueuedEvent(int(message["id"]), message["topic"], message["subject"], message["payload"])
