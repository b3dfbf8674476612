"""Codes by their hashes, and how often members tried them."""

from collections.abc import Sequence

from orchard.core.errors import AppError
from orchard.runtime.database import Statement, Tx, insert


def insert_codes(template_id: int, batch_id: int, hashes: Sequence[bytes]) -> Statement:
    """A batch of codes."""
    return insert(
        "coupon_code", [{"code_hash": digest, "template_id": template_id, "batch_id": batch_id} for digest in hashes]
    )


def redeem(code_hash: bytes, member_id: int, coupon_id: int, lost: AppError) -> Statement:
    """Give an unused code to a member; raises `lost` when it is used."""
    return Statement(
        "UPDATE coupon_code SET member_id = %s, coupon_id = %s, redeemed_at = UTC_TIMESTAMP(6)"
        " WHERE code_hash = %s AND member_id IS NULL",
        (member_id, coupon_id, code_hash),
        expect=1,
        otherwise=lost,
    )


def count_try(tx: Tx, member_id: int, window_minutes: int) -> int:
    """Count one try; how many there were in the window that is open now, this one included.

    The tries are set before the window's begin, because assignments work from left to right.
    """
    over = "began_at <= UTC_TIMESTAMP(6) - INTERVAL %s MINUTE"
    counted = Statement(
        "INSERT INTO coupon_code_try (member_id, began_at, tries) VALUES (%s, UTC_TIMESTAMP(6), 1)"
        f" ON DUPLICATE KEY UPDATE tries = CASE WHEN {over} THEN 1 ELSE LEAST(tries + 1, 10000) END,"
        f" began_at = CASE WHEN {over} THEN UTC_TIMESTAMP(6) ELSE began_at END",
        (member_id, window_minutes, window_minutes),
    )
    read = Statement("SELECT tries FROM coupon_code_try WHERE member_id = %s", (member_id,))
    return int(tx.packet([counted, read])[1].rows[0]["tries"])
