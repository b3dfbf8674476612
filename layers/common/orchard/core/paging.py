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
        key = tuple(json.loads(payload)) if raw[:6] == _digest(scope, payload) else ()
    except (binascii.Error, ValueError):
        key = ()
    if len(key) != len(types) or any(type(k) is not t for k, t in zip(key, types, strict=True)):
        raise InvalidInput("翻页参数无效", field="cursor")
    return key
