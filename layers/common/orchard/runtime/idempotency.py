"""Idempotency rows: the first answer to a key, kept inside the business transaction that made it.

The row is inserted first, so a second request with the same key waits for the first one's COMMIT on the unique key
and then reads its answer; if the first one rolls back, the second does the work. A refusal leaves no row.
"""

import base64
import hashlib
import re
from typing import NamedTuple

from orchard.core.errors import Conflict, InvalidInput
from orchard.runtime import crash_points, personal_data
from orchard.runtime.database import Statement, Tx

# Printable ASCII: a UUID fits, control bytes and blanks do not.
_KEY = re.compile(r"[\x21-\x7e]{8,255}")
KEEP_HOURS = 48


class IdempotencyKeyReused(Conflict):
    """The key was used before with another request."""

    code = "idempotency_key_reused"
    message = "请勿重复使用同一请求编号"


class InvalidIdempotencyKey(InvalidInput):
    """`Idempotency-Key` is missing, shorter than 8, longer than 255, or holds other than printable ASCII."""

    code = "invalid_idempotency_key"
    message = "缺少或无效的请求编号"


class _AlreadyTaken(Conflict):
    """Internal: another committed request owns the key."""


class StoredAnswer(NamedTuple):
    """The first answer: HTTP status and exact body."""

    status: int
    body: str


def check_key(key: str | None) -> str:
    """The key as given. Raises InvalidIdempotencyKey."""
    if key is None or not _KEY.fullmatch(key):
        raise InvalidIdempotencyKey
    return key


def claim(tx: Tx, member_id: int, operation: str, key: str, request: bytes) -> StoredAnswer | None:
    """Take the key for this request, or return the answer that it got before.

    Raises IdempotencyKeyReused when the key belongs to a different request. On a replay the transaction has
    nothing to commit but is still open.
    """
    digest = hashlib.sha256(request).digest()
    taken = Statement(
        "INSERT INTO idempotency (member_id, operation, idempotency_key, request_hash, created_at)"
        " VALUES (%s, %s, %s, %s, UTC_TIMESTAMP(6))",
        (member_id, operation, key, digest),
        on_duplicate=_AlreadyTaken(),
    )
    try:
        tx.execute(taken)
    except _AlreadyTaken:
        return _first_answer(tx, member_id, operation, key, digest)
    crash_points.reached("idempotency.key_taken")
    return None


def _first_answer(tx: Tx, member_id: int, operation: str, key: str, digest: bytes) -> StoredAnswer | None:
    row = tx.row(
        "SELECT request_hash, status, body FROM idempotency"
        " WHERE member_id = %s AND operation = %s AND idempotency_key = %s",
        (member_id, operation, key),
    )
    if row is None or row["status"] is None:
        # Purged between the two statements: refuse rather than risk doing the work twice.
        raise IdempotencyKeyReused
    if row["request_hash"] != digest:
        raise IdempotencyKeyReused
    return StoredAnswer(row["status"], row["body"])


def seal(member_id: int, key: str, body: str) -> str:
    """An answer that holds personal data, as `answered` may store it."""
    return base64.b64encode(personal_data.encrypt(body, _context(member_id, key))).decode()


def unseal(member_id: int, key: str, stored: str) -> str:
    """The answer behind `seal`."""
    return personal_data.decrypt(base64.b64decode(stored), _context(member_id, key))


def _context(member_id: int, key: str) -> str:
    return f"idempotency.body:{member_id}:{key}"


def answered(member_id: int, operation: str, key: str, status: int, body: str) -> Statement:
    """The statement that stores the answer; it travels in COMMIT's own packet."""
    return Statement(
        "UPDATE idempotency SET status = %s, body = %s"
        " WHERE member_id = %s AND operation = %s AND idempotency_key = %s",
        (status, body, member_id, operation, key),
        expect=1,
    )


def purge_expired(tx: Tx, limit: int) -> int:
    """Delete up to `limit` rows older than KEEP_HOURS; returns how many."""
    return tx.execute(
        Statement(
            "DELETE FROM idempotency WHERE created_at < UTC_TIMESTAMP(6) - INTERVAL %s HOUR"
            " ORDER BY created_at LIMIT %s",
            (KEEP_HOURS, limit),
        )
    )
