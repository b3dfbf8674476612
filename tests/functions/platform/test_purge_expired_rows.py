"""Job purge_expired_rows: what is past its time goes, whatever its number; what is not stays."""

from collections.abc import Callable
from typing import Any

import pytest

from orchard.core.ids import new_id
from orchard.runtime import outbox, purge
from orchard.runtime.database import Connection, Statement, insert
from tests.support import calls


def sessions(moment: str, count: int) -> Statement:
    values = ", ".join(f"({new_id()}, 1, {moment}, {moment})" for _ in range(count))
    return Statement(f"INSERT INTO member_session (id, member_id, created_at, expires_at) VALUES {values}")


def keys(moment: str, count: int) -> Statement:
    values = ", ".join(f"(1, 'op', 'key-{new_id()}', REPEAT('x', 32), 200, '{{}}', {moment})" for _ in range(count))
    return Statement(
        "INSERT INTO idempotency (member_id, operation, idempotency_key, request_hash, status, body, created_at)"
        f" VALUES {values}"
    )


def consumed(moment: str, count: int) -> Statement:
    values = ", ".join(f"('c', {new_id()}, {moment})" for _ in range(count))
    return Statement(f"INSERT INTO consumed_event (consumer, event_id, consumed_at) VALUES {values}")


def published(moment: str, count: int) -> Statement:
    values = ", ".join(f"({new_id()}, 't', 's', '{{}}', {moment})" for _ in range(count))
    return Statement(f"INSERT INTO outbox (id, topic, subject, payload, published_at) VALUES {values}")


def notified(moment: str, count: int) -> Statement:
    values = ", ".join(f"({new_id()}, 's', 'EV-{new_id()}', 'n', '{{}}', {moment}, {moment})" for _ in range(count))
    return Statement(
        "INSERT INTO callback_inbox (id, source, event_id, subject, payload, received_at, processed_at)"
        f" VALUES {values}"
    )


def paused(moment: str, count: int) -> Statement:
    values = ", ".join(f"('s', {new_id()}, 1, {moment})" for _ in range(count))
    return Statement(f"INSERT INTO retry_pause (sweep, item_id, tries, next_try_at) VALUES {values}")


KINDS = [
    ("sessions", "member_session", sessions, "1 SECOND", None),
    ("idempotency", "idempotency", keys, "49 HOUR", "47 HOUR"),
    ("outbox", "outbox", published, "8 DAY", "6 DAY"),
    ("consumed_events", "consumed_event", consumed, "31 DAY", "29 DAY"),
    ("notifications", "callback_inbox", notified, "91 DAY", "89 DAY"),
    ("pauses", "retry_pause", paused, "25 HOUR", "23 HOUR"),
]


def rows(db: Connection, table: str) -> int:
    found = db.run(lambda tx: tx.row(f"SELECT COUNT(*) AS n FROM {table}"))
    assert found is not None
    return int(found["n"])


@pytest.mark.parametrize(("name", "table", "make", "old", "young"), KINDS, ids=[kind[0] for kind in KINDS])
def test_old_rows_go_in_batches_and_young_ones_stay(
    db: Connection, name: str, table: str, make: Callable[[str, int], Statement], old: str, young: str | None
) -> None:
    keep = f"UTC_TIMESTAMP(6) - INTERVAL {young}" if young else "UTC_TIMESTAMP(6) + INTERVAL 1 HOUR"
    db.run(lambda tx: tx.packet([make(f"UTC_TIMESTAMP(6) - INTERVAL {old}", purge.BATCH + 5), make(keep, 3)]))
    counts = calls.invoke("platform/purge_expired_rows", {})
    expected = {kind[0]: 0 for kind in KINDS}
    expected[name] = purge.BATCH + 5
    assert counts == expected
    assert rows(db, table) == 3


def test_an_unpublished_event_is_never_purged(db: Connection) -> None:
    old = {"id": new_id(), "topic": "t", "subject": "s", "payload": "{}", "created_at": "2020-01-01"}
    db.run(lambda tx: tx.execute(insert("outbox", [old])))
    calls.invoke("platform/purge_expired_rows", {})
    assert len(db.run(lambda tx: outbox.unpublished(tx, 10))) == 1


def test_a_run_without_time_deletes_nothing(db: Connection) -> None:
    db.run(lambda tx: tx.execute(sessions("UTC_TIMESTAMP(6) - INTERVAL 1 SECOND", 3)))
    counts: dict[str, Any] = calls.invoke("platform/purge_expired_rows", {}, milliseconds=1_000)
    assert set(counts.values()) == {0}
    assert rows(db, "member_session") == 3


def test_a_notification_that_nobody_finished_is_never_purged(db: Connection) -> None:
    db.run(lambda tx: tx.execute(notified("UTC_TIMESTAMP(6) - INTERVAL 1 YEAR", 1)))
    db.run(lambda tx: tx.execute(Statement("UPDATE callback_inbox SET processed_at = NULL")))
    assert calls.invoke("platform/purge_expired_rows", {})["notifications"] == 0
    assert rows(db, "callback_inbox") == 1
