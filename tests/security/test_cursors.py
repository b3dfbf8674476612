"""Cursors that this shop never issued, some under a digest that fits: refused, or read as the key they are."""

import base64
import hashlib
import json

import pytest

from orchard.core.errors import InvalidInput
from orchard.core.paging import Key, decode_cursor

_SCOPE = "orders"


def _forged(payload: bytes, scope: str = _SCOPE) -> str:
    """A cursor whose digest is right: it needs no secret."""
    digest = hashlib.sha256(scope.encode() + b"\0" + payload).digest()[:6]
    return base64.urlsafe_b64encode(digest + payload).rstrip(b"=").decode()


_PAYLOADS: list[bytes] = [
    b"1", b"null", b"true", b"1.5", b'"a"', b"{}", b'{"a":1}', b"[]", b"[1,2]", b"[true]", b"[null]", b"[1.0]",
    b"[NaN]", b"[[1]]", b'["1"]', b"[" * 350, b"[" * 170 + b"]" * 170, b"[-1]", b"[9223372036854775808]",
    b"[" + b"9" * 340 + b"]", b"\xff", b"", b"[1]x",
]  # fmt: skip


@pytest.mark.parametrize("payload", _PAYLOADS, ids=lambda payload: payload[:12].decode("latin-1"))
def test_no_forged_number_is_taken(payload: bytes) -> None:
    with pytest.raises(InvalidInput):
        decode_cursor(_SCOPE, _forged(payload), (int,))


@pytest.mark.parametrize("text", ["\\ud800", "a\\udc00", "\\u0000"])
def test_no_forged_text_is_taken_that_cannot_be_asked_for(text: str) -> None:
    with pytest.raises(InvalidInput):
        decode_cursor(_SCOPE, _forged(f'["{text}",1]'.encode()), (str, int))


@pytest.mark.parametrize("key", [(1,), (0,), (2**63 - 1,)])
def test_a_key_in_reach_is_read_as_it_is(key: Key) -> None:
    assert decode_cursor(_SCOPE, _forged(json.dumps(list(key)).encode()), (int,)) == key
