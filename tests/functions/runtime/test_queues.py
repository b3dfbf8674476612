"""Workers: one bad message fails alone, one event acts once, however often it comes."""

import json
from typing import Any

import pytest

from orchard.core.errors import Conflict
from orchard.runtime.database import Connection, Statement, Tx, insert
from orchard.runtime.queues import QueuedEvent, Worker
from tests.support.calls import Context


def record(message_id: str, event_id: int, **payload: Any) -> dict[str, Any]:
    body = {"id": str(event_id), "topic": "t", "subject": "s", "payload": payload}
    return {"messageId": message_id, "body": json.dumps(body)}


def note(tx: Tx, event: QueuedEvent) -> None:
    tx.execute(insert("scratch", [{"id": event.id, "note": event.topic}]))
    if event.payload.get("refuse"):
        raise Conflict


def handle(worker: Worker, *records: dict[str, Any]) -> list[str]:
    answer = worker.handler({"Records": list(records)}, Context("request"))
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def ids(db: Connection) -> list[int]:
    return [row["id"] for row in db.run(lambda tx: tx.rows("SELECT id FROM scratch ORDER BY id"))]


def test_only_the_bad_messages_come_again(scratch: Connection) -> None:
    worker = Worker("tests", note)
    poison = [
        {"messageId": "not json", "body": "{"},
        {"messageId": "no event", "body": "{}"},
        {"messageId": "no object", "body": "[]"},
        {"messageId": "null", "body": "null"},
        {"messageId": "no id", "body": json.dumps({"id": "x", "topic": "t", "subject": "s", "payload": {}})},
    ]
    failed = handle(worker, record("a", 1), *poison, record("refused", 2, refuse=True), record("b", 3))
    assert failed == [*(message["messageId"] for message in poison), "refused"]
    assert ids(scratch) == [1, 3]
    # Once its reason is gone, the refused one acts as if it had never come before.
    assert handle(worker, record("refused", 2)) == []
    assert ids(scratch) == [1, 2, 3]


def test_an_event_acts_once_in_whatever_order_it_comes(scratch: Connection) -> None:
    worker = Worker("tests", note)
    assert handle(worker, record("a", 2), record("b", 1), record("c", 2)) == []
    assert handle(worker, record("d", 1), record("e", 2)) == []
    assert ids(scratch) == [1, 2]


def test_every_consumer_acts_on_its_own(scratch: Connection) -> None:
    assert handle(Worker("one", note), record("a", 1)) == []
    scratch.run(lambda tx: tx.execute(Statement("DELETE FROM scratch")))
    assert handle(Worker("two", note), record("a", 1)) == []
    assert ids(scratch) == [1]


def test_a_reacting_worker_has_the_connection_and_answers_for_itself(scratch: Connection) -> None:
    seen: list[int] = []

    def react(connection: Connection, event: QueuedEvent) -> None:
        connection.run(lambda tx: note(tx, event))
        seen.append(event.id)

    worker = Worker("tests", react=react)
    assert handle(worker, record("a", 1), record("b", 1)) == ["b"]
    assert (seen, ids(scratch)) == ([1], [1])


def test_a_worker_acts_or_reacts() -> None:
    with pytest.raises(ValueError, match="either"):
        Worker("tests")
    with pytest.raises(ValueError, match="either"):
        Worker("tests", note, react=lambda connection, event: None)
