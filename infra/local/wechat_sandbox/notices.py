"""Notifications waiting to be delivered: the queue, its retry schedule and its delivery log."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from typing import Any

from . import crypto
from .faults import Call
from .world import World, rfc3339

# Fifteen retries over about 24 hours and 4 minutes, in virtual seconds after the attempt before.
RETRY_SECONDS = (
    15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600,
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Notice:
    """One event for the merchant. `content` is the plaintext of its resource; times are virtual seconds."""

    id: str
    kind: Call
    event_type: str
    summary: str
    reference: str
    notify_url: str
    content: dict[str, Any]
    created_at: float
    due_at: float
    attempts: int
    state: str

    @classmethod
    def of(cls, row: sqlite3.Row) -> Notice:
        """Read a row of the queue."""
        values = dict(row) | {"kind": Call(row["kind"]), "content": json.loads(row["content"])}
        return cls(**values)

    def describe(self) -> dict[str, Any]:
        """Return the notice as JSON, without its content."""
        answer = dataclasses.asdict(self)
        del answer["content"]
        return answer | {"created_at": rfc3339(self.created_at), "due_at": rfc3339(self.due_at)}


def enqueue(
    tx: sqlite3.Connection, world: World, kind: Call, event_type: str, reference: str, url: str, content: Any
) -> None:
    """Queue a notification, due at once, in the transaction of the event that it tells."""
    now = world.clock.now()
    subject, outcome = event_type.split(".")
    done = {"SUCCESS": "成功", "CLOSED": "关闭", "ABNORMAL": "异常"}[outcome]
    summary = ("支付" if subject == "TRANSACTION" else "退款") + done
    tx.execute(
        "INSERT INTO notices VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 'PENDING')",
        (
            f"EV-{crypto.random_text(32, '0123456789')}", kind, event_type, summary, reference, url,
            json.dumps(content, ensure_ascii=False), now, now,
        ),
    )  # fmt: skip


def due(world: World) -> list[Notice]:
    """Return what is due now, oldest first."""
    with world.store.transaction() as tx:
        rows = tx.execute(
            "SELECT * FROM notices WHERE state = 'PENDING' AND due_at <= ? ORDER BY due_at, rowid",
            (world.clock.now(),),
        ).fetchall()
    return [Notice.of(row) for row in rows]


def recent(world: World, limit: int = 20) -> list[dict[str, Any]]:
    """Return the newest notices, each with its deliveries, newest first."""
    with world.store.transaction() as tx:
        rows = tx.execute("SELECT * FROM notices ORDER BY rowid DESC LIMIT ?", (limit,)).fetchall()
        logs = {row["id"]: _log(tx, row["id"]) for row in rows}
    return [Notice.of(row).describe() | {"deliveries": logs[row["id"]]} for row in rows]


def _log(tx: sqlite3.Connection, notice_id: str) -> list[dict[str, Any]]:
    rows = tx.execute("SELECT * FROM deliveries WHERE notice_id = ? ORDER BY id", (notice_id,))
    return [dict(row) | {"accepted": bool(row["accepted"]), "at": rfc3339(row["at"])} for row in rows]


def put_off(world: World, notice: Notice, seconds: float) -> None:
    """Make a notice due later; no attempt is counted."""
    with world.store.transaction() as tx:
        tx.execute("UPDATE notices SET due_at = ? WHERE id = ?", (world.clock.now() + seconds, notice.id))


def lose(world: World, notice: Notice) -> None:
    """Drop a notice for good."""
    with world.store.transaction() as tx:
        tx.execute("UPDATE notices SET state = 'LOST' WHERE id = ?", (notice.id,))


def conclude(world: World, notice: Notice, accepted: bool) -> None:
    """Count an attempt: accepted ends the notice, else the next retry is scheduled while one is left."""
    attempts, now = notice.attempts + 1, world.clock.now()
    left = attempts <= len(RETRY_SECONDS)
    state = "ACCEPTED" if accepted else "PENDING" if left else "EXHAUSTED"
    due_at = now + RETRY_SECONDS[attempts - 1] if state == "PENDING" else notice.due_at
    with world.store.transaction() as tx:
        tx.execute(
            "UPDATE notices SET state = ?, attempts = ?, due_at = ? WHERE id = ?",
            (state, attempts, due_at, notice.id),
        )
