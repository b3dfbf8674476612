"""Identifiers: time-ordered BIGINTs for rows, unguessable order and refund numbers for the outside.

Row ids are 41 bits of milliseconds since 2024-01-01 and 22 random bits: they sort by time, need no
coordination, and fit a signed BIGINT until 2093. JavaScript cannot hold them exactly, so JSON carries
them as strings (`orchard.core.schemas.Id`).
"""

import secrets
import threading
from datetime import datetime

from orchard.core import clock

_EPOCH_MS = 1_704_067_200_000
_RANDOM_BITS = 22
# Crockford's base 32: no I, L, O, U, so a number read aloud by a shopper is not mistaken.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_last_id = 0
_lock = threading.Lock()


def new_id() -> int:
    """A positive 63-bit id, increasing within this process.

    Two processes may, very rarely, draw the same one: the primary key refuses it and the transaction is repeated.
    """
    global _last_id  # noqa: PLW0603 - monotonic within the process
    milliseconds = int(clock.utc_now().timestamp() * 1000) - _EPOCH_MS
    candidate = (milliseconds << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS)
    with _lock:
        _last_id = candidate if candidate > _last_id else _last_id + 1
        return _last_id


def first_id_at(moment: datetime) -> int:
    """No id that was drawn at or after `moment` (aware) is smaller."""
    return max(0, int(moment.timestamp() * 1000) - _EPOCH_MS) << _RANDOM_BITS


def random_text(length: int) -> str:
    """`length` characters of Crockford base 32, 5 random bits each, from the system's secure source."""
    bits = secrets.randbits(5 * length)
    return "".join(_ALPHABET[bits >> 5 * place & 31] for place in range(length))


def new_order_number() -> str:
    """Shanghai day and 80 random bits, 24 characters: unguessable, and fit for WeChat Pay's `out_trade_no`."""
    return f"{clock.business_date(clock.utc_now()):%Y%m%d}{random_text(16)}"
