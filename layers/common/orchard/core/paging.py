"""Keyset cursors: opaque, closed, and refused when tampered with.

A cursor is the sort key of the last row, bound to the sort and filters it was made for, so it can neither be
edited into another query nor reach deeper than its own list. It needs no secrecy: it only repeats what the
page already showed, and every owner check stands in the query itself.
"""

import base64
import binascii
import hashlib
import json

from orchard.core.errors import InvalidInput

Key = tuple[int | str, ...]
_MAX_CURSOR = 512
_MAX_BIGINT = 2**63 - 1


def _digest(scope: str, payload: bytes) -> bytes:
    return hashlib.sha256(scope.encode() + b"\0" + payload).digest()[:6]


def encode_cursor(scope: str, key: Key) -> str:
    """The cursor for the page after `key`; `scope` names the list with its sort and filters."""
    payload = json.dumps(list(key), separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_digest(scope, payload) + payload).rstrip(b"=").decode()


def decode_cursor(scope: str, cursor: str | None, types: tuple[type, ...]) -> Key | None:
    """The key in `cursor`, or None for the first page. Raises InvalidInput for anything this list did not issue."""
    if cursor is None:
        return None
    if len(cursor) > _MAX_CURSOR:
        raise InvalidInput("翻页参数无效", field="cursor")
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        payload = raw[6:]
        key = json.loads(payload) if raw[:6] == _digest(scope, payload) else None
    except (binascii.Error, ValueError, RecursionError):
        key = None
    if not isinstance(key, list) or len(key) != len(types) or not all(map(_fits, key, types)):
        raise InvalidInput("翻页参数无效", field="cursor")
    return tuple(key)


def _fits(part: object, kind: type) -> bool:
    """Whether a column can be asked for it: the digest is no secret, so anybody can forge a key."""
    if type(part) is not kind:
        return False
    return 0 <= part <= _MAX_BIGINT if isinstance(part, int) else str(part).isascii() and str(part).isprintable()
