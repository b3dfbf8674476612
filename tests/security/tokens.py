"""Tokens that must not let anybody in, made from a good one and, the worst of them, from our own secret."""

import base64
import hashlib
import hmac
import json
import random
import secrets
import time
from collections.abc import Iterator

from itsdangerous import URLSafeSerializer, URLSafeTimedSerializer

from orchard.runtime import settings

_SALT = "member-session"
_SHA256 = {"digest_method": hashlib.sha256}
_DAY = 86_400


def bad_authorizations(good: str, session_id: int, member_id: int, other_member_id: int) -> dict[str, str]:
    """Values of `Authorization`, by what is wrong with each. `good` is a live token of the session."""
    schemes = {
        "empty": "", "scheme alone": "Bearer", "scheme and blank": "Bearer ", "no scheme": good,
        "basic": f"Basic {good}", "basic encoded": f"Basic {base64.b64encode(good.encode()).decode()}",
        "doubled": f"Bearer {good}, Bearer {good}", "tab": f"Bearer\t{good}", "two blanks": f"Bearer  {good}",
        "behind it more": f"Bearer {good} x", "too long": "Bearer " + "A" * 513, "huge": "Bearer " + "A" * 100_000,
        "null byte": f"Bearer {good}\0", "not ASCII": "Bearer 令牌", "half a character": "Bearer \ud800",
        "a number": "Bearer 1", "only dots": "Bearer ....",
    }  # fmt: skip
    forged = {
        **dict(_forged([session_id, member_id])),
        **_true_secret(session_id, member_id, other_member_id),
        **dict(_damaged(good)),
        **_other_spellings(good),
        **_web_tokens(session_id, member_id),
    }
    return {**schemes, **{name: f"Bearer {token}" for name, token in forged.items()}}


def _secret() -> str:
    return settings.session().secret.get_secret_value()


def _forged(payload: list[int]) -> Iterator[tuple[str, str]]:
    """The right content under the wrong key, purpose or way of signing."""
    yield "another key", URLSafeTimedSerializer(secrets.token_urlsafe(48), _SALT, signer_kwargs=_SHA256).dumps(payload)
    yield "an empty key", URLSafeTimedSerializer("", _SALT, signer_kwargs=_SHA256).dumps(payload)
    yield "another purpose", URLSafeTimedSerializer(_secret(), "other", signer_kwargs=_SHA256).dumps(payload)
    yield "another digest", URLSafeTimedSerializer(_secret(), _SALT).dumps(payload)
    yield "no time", URLSafeSerializer(_secret(), _SALT, signer_kwargs=_SHA256).dumps(payload)
    none = {**_SHA256, "key_derivation": "none"}
    yield "no derivation", URLSafeTimedSerializer(_secret(), _SALT, signer_kwargs=none).dumps(payload)


def _true_secret(session_id: int, member_id: int, other_member_id: int) -> dict[str, str]:
    """Well signed, and yet no session: a leaked secret alone lets nobody in. (When one ends, its row says.)"""
    right = URLSafeTimedSerializer(_secret(), _SALT, signer_kwargs=_SHA256)
    contents: dict[str, object] = {
        "no such session": [session_id + 1, member_id], "another's session": [session_id, other_member_id],
        "one number": [session_id], "three": [session_id, member_id, 1], "an object": {"member_id": member_id},
        "texts": ["a", "b"], "nulls": [None, None], "a text": "admin", "nested": [[session_id], [member_id]],
        "beyond 64 bits": [2**70, 2**70], "negative": [-1, -1], "true": [True, True],
    }  # fmt: skip
    return {f"signed: {name}": str(right.dumps(content)) for name, content in contents.items()}


def _damaged(good: str) -> Iterator[tuple[str, str]]:
    """A bit or a character wrong, or a part missing; the places are the same in every run."""
    places = random.Random(len(good))
    for place in sorted(places.sample(range(len(good) - 1), 6)):
        flipped = chr(ord(good[place]) ^ 1)
        yield f"bit at {place}", good[:place] + flipped + good[place + 1 :]
        yield f"cut at {place}", good[:place]
        yield f"doubled at {place}", good[:place] + good[place] + good[place:]
    content, moment, signature = good.rsplit(".", 2)
    yield "no signature", f"{content}.{moment}"
    yield "empty signature", f"{content}.{moment}."
    yield "no content", f".{moment}.{signature}"
    yield "parts swapped", f"{content}.{signature}.{moment}"
    yield "another case", good.swapcase()


def _other_spellings(good: str) -> dict[str, str]:
    """The true signature in spellings that lenient base64 takes for the same: no token but the one given out counts."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    # 32 bytes are 43 characters, and the last two bits of the last one mean nothing.
    spare = good[:-1] + alphabet[alphabet.index(good[-1]) ^ 1]
    strays = {"padded": "=", "padded twice": "==", "stray text": "=AAAA", "stray sign": "!", "fullwidth": "\uff1d"}
    return {"spare bits": spare, **{name: good + stray for name, stray in strays.items()}}


def _web_tokens(session_id: int, member_id: int) -> dict[str, str]:
    """JSON Web Tokens of all kinds: there is no algorithm to choose, so none is right."""
    claims = {"sub": str(member_id), "sid": session_id, "exp": int(time.time()) + _DAY}
    headers = [{"alg": "none"}, {"alg": "None"}, {"alg": "HS256"}, {"alg": "HS256", "kid": "../../dev/null"}]
    return {f"web token {header}": _web_token({**header, "typ": "JWT"}, claims) for header in headers}


def _web_token(header: dict[str, str], claims: dict[str, object]) -> str:
    signed = f"{_url64(json.dumps(header).encode())}.{_url64(json.dumps(claims).encode())}"
    if header["alg"].lower() == "none":
        return f"{signed}."
    return f"{signed}.{_url64(hmac.new(_secret().encode(), signed.encode(), hashlib.sha256).digest())}"


def _url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
