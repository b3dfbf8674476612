"""Job relay_outbox: every committed event reaches every queue that subscribes to it, at least once."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from orchard.runtime import outbox
from orchard.runtime import relay as relaying
from orchard.runtime.database import Connection
from tests.support import calls

Subscribe = Callable[[dict[str, list[str]]], None]


def queue(sqs: Any, name: str) -> str:
    return str(sqs.create_queue(QueueName=name)["QueueUrl"])


def received(sqs: Any, url: str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    while batch := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        messages += [json.loads(message["Body"]) for message in batch]
        done = [{"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(batch)]
        sqs.delete_message_batch(QueueUrl=url, Entries=done)
    return messages


def emit(db: Connection, topic: str, count: int) -> None:
    events = [(f"s{number}", {"number": number, "名": "果"}) for number in range(count)]
    db.run(lambda tx: tx.execute(outbox.emit_many(topic, events)))


def waiting(db: Connection) -> list[str]:
    return [row["topic"] for row in db.run(lambda tx: outbox.unpublished(tx, 10_000))]


def relay(**options: Any) -> dict[str, int]:
    counts: dict[str, int] = calls.invoke("platform/relay_outbox", {}, **options)
    return counts


def test_every_subscriber_gets_every_event_once(db: Connection, sqs: Any, subscribe: Subscribe) -> None:
    one, two = queue(sqs, "one"), queue(sqs, "two")
    subscribe({"a": [one, two], "b": [two], "unheard": []})
    emit(db, "a", 3)
    emit(db, "b", 2)
    emit(db, "unheard", 1)
    emit(db, "unknown", 1)
    assert relay() == {"published": 7, "failed": 0}
    assert Counter(message["topic"] for message in received(sqs, one)) == {"a": 3}
    assert Counter(message["topic"] for message in received(sqs, two)) == {"a": 3, "b": 2}
    assert waiting(db) == []
    assert relay() == {"published": 0, "failed": 0}
    assert received(sqs, two) == []


def test_a_message_is_the_event(db: Connection, sqs: Any, subscribe: Subscribe) -> None:
    one = queue(sqs, "one")
    subscribe({"a": [one]})
    emit(db, "a", 1)
    event_id = db.run(lambda tx: outbox.unpublished(tx, 1))[0]["id"]
    relay()
    assert received(sqs, one) == [
        {"id": str(event_id), "topic": "a", "subject": "s0", "payload": {"number": 0, "名": "果"}}
    ]


def test_an_event_rolled_back_is_never_sent(db: Connection, sqs: Any, subscribe: Subscribe) -> None:
    subscribe({"a": [queue(sqs, "one")]})
    tx = db.transaction()
    tx.execute(outbox.emit("a", "s", {}))
    tx.rollback()
    assert relay() == {"published": 0, "failed": 0}


def test_more_than_a_batch_goes_in_one_run(db: Connection, sqs: Any, subscribe: Subscribe) -> None:
    one = queue(sqs, "one")
    subscribe({"a": [one]})
    emit(db, "a", 205)
    assert relay() == {"published": 205, "failed": 0}
    assert sorted(message["payload"]["number"] for message in received(sqs, one)) == list(range(205))


def test_a_missing_queue_holds_up_nobody_else_and_its_events_wait(
    db: Connection, sqs: Any, subscribe: Subscribe
) -> None:
    one, gone = queue(sqs, "one"), queue(sqs, "gone")
    sqs.delete_queue(QueueUrl=gone)
    subscribe({"a": [one], "lost": [gone]})
    # More than a batch of them stand before the others.
    emit(db, "lost", 210)
    emit(db, "a", 5)
    assert relay() == {"published": 5, "failed": 210}
    assert len(received(sqs, one)) == 5
    assert Counter(waiting(db)) == {"lost": 210}
    queue(sqs, "gone")
    assert relay() == {"published": 210, "failed": 0}
    assert waiting(db) == []


def test_a_message_that_is_too_long_does_not_take_its_batch_along(
    db: Connection, sqs: Any, subscribe: Subscribe
) -> None:
    one = queue(sqs, "one")
    subscribe({"a": [one]})
    emit(db, "a", 2)
    db.run(lambda tx: tx.execute(outbox.emit("a", "long", {"text": "x" * 1_100_000})))
    emit(db, "a", 2)
    assert relay() == {"published": 4, "failed": 1}
    assert len(received(sqs, one)) == 4
    assert len(waiting(db)) == 1


def test_an_unreachable_queue_is_given_up_at_once(
    db: Connection, sqs: Any, subscribe: Subscribe, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # Nothing listens on port 1.
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:1")
    subscribe({"a": ["http://127.0.0.1:1/000000000000/one"]})
    # More than a batch: the second one is not tried where the first one met nobody.
    emit(db, "a", 230)
    assert relay() == {"published": 0, "failed": 230}
    assert len(waiting(db)) == 230
    assert [record.message for record in caplog.records].count("queue does not take messages") == 1


def test_a_run_without_time_sends_nothing_and_loses_nothing(db: Connection, sqs: Any, subscribe: Subscribe) -> None:
    subscribe({"a": [queue(sqs, "one")]})
    emit(db, "a", 3)
    assert relay(milliseconds=1_000) == {"published": 0, "failed": 0}
    assert len(waiting(db)) == 3


def test_a_publisher_killed_after_sending_sends_again_and_consumers_notice(
    db: Connection, sqs: Any, subscribe: Subscribe
) -> None:
    from orchard.runtime.database import Statement

    one = queue(sqs, "one")
    subscribe({"a": [one]})
    emit(db, "a", 3)
    relay()
    # As if it had died between sending and its own COMMIT.
    db.run(lambda tx: tx.execute(Statement("UPDATE outbox SET published_at = NULL")))
    relay()
    messages = received(sqs, one)
    assert len(messages) == 6
    fresh = [db.run(lambda tx, m=m: outbox.consume_once(tx, "c", int(m["id"]))) for m in messages]  # type: ignore[misc]
    assert fresh.count(True) == 3


class _TakesHalf:
    """SQS as it answers when it takes some entries of a batch and not the others, which moto never does."""

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803 - SQS's names
        return {"Failed": [{"Id": entry["Id"], "Code": "InternalError"} for entry in Entries[::2]]}


def test_entries_that_a_batch_left_behind_are_not_taken_for_sent(db: Connection) -> None:
    emit(db, "half", 4)
    rows = db.run(lambda tx: outbox.unpublished(tx, 10))
    lost = relaying._send_ten(_TakesHalf(), "https://queue.example.com", rows)
    assert lost == {row["id"] for row in rows[::2]}
