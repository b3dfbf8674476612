"""Sessions: a token counts only if this shop signed it and its row still stands."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest
from itsdangerous import TimestampSigner, URLSafeTimedSerializer

from orchard.runtime import sessions, settings
from orchard.runtime.database import Connection, Statement
from tests.support.calls import Answer

Call = Callable[..., Answer]
DAY = 86_400


def status(call: Call, authorization: str | None) -> int:
    headers = {} if authorization is None else {"authorization": authorization}
    answer = call("members/profile", "GET", "/profile", headers=headers)
    assert answer.status != 401 or answer.code == "unauthenticated"
    return answer.status


def session_of(db: Connection, member_id: int) -> int:
    row = db.run(lambda tx: tx.row("SELECT id FROM member_session WHERE member_id = %s", (member_id,)))
    assert row is not None
    return int(row["id"])


def signed(payload: Any, *, secret: str | None = None, salt: str = "member-session", at: float = 0) -> str:
    """A token as the shop makes it, `at` seconds from now."""

    class At(TimestampSigner):
        def get_timestamp(self) -> int:
            return int(time.time() + at)

    key = secret or settings.session().secret.get_secret_value()
    serializer = URLSafeTimedSerializer(key, salt=salt, signer=At, signer_kwargs={"digest_method": hashlib.sha256})
    return str(serializer.dumps(payload))


def jwt(header: dict[str, Any], payload: dict[str, Any], key: bytes | None) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, payload)]
    body = b".".join(parts)
    signature = b"" if key is None else hmac.new(key, body, hashlib.sha256).digest()
    return (body + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def test_a_live_session_is_let_in(db: Connection, call: Call, shopper: Callable[[], Any]) -> None:
    one = shopper()
    assert status(call, f"Bearer {one.token}") == 200
    assert status(call, f"bearer {one.token}") == 200
    # The test's own way of signing is the shop's: what follows is refused for its reason, not for its form.
    assert status(call, f"Bearer {signed([session_of(db, one.member_id), one.member_id])}") == 200


def test_tokens_of_other_making_are_refused(db: Connection, call: Call, shopper: Callable[[], Any]) -> None:
    one = shopper()
    session_id = session_of(db, one.member_id)
    payload = [session_id, one.member_id]
    secret = settings.session().secret.get_secret_value().encode()
    claims = {"sub": str(one.member_id), "sid": session_id, "exp": int(time.time()) + DAY}
    forged = {
        "alg none": jwt({"alg": "none", "typ": "JWT"}, claims, None),
        "HS256 with our secret": jwt({"alg": "HS256", "typ": "JWT"}, claims, secret),
        "RS256 swapped": jwt({"alg": "RS256"}, claims, secret),
        "kid path": jwt({"alg": "HS256", "kid": "../../../../dev/null"}, claims, b""),
        "foreign secret": signed(payload, secret=secrets.token_urlsafe(48)),
        "other salt": signed(payload, salt="staff-session"),
    }
    refused = {name: status(call, f"Bearer {token}") for name, token in forged.items()}
    assert refused == dict.fromkeys(forged, 401)


@pytest.mark.parametrize("seconds", [-40 * DAY, -300, 1, 300, 40 * DAY])
def test_a_token_signed_at_a_wrong_clock_counts_while_its_row_stands(
    db: Connection, call: Call, shopper: Callable[[], Any], seconds: int
) -> None:
    one = shopper()
    token = signed([session_of(db, one.member_id), one.member_id], at=seconds)
    assert status(call, f"Bearer {token}") == 200
    db.run(lambda tx: tx.execute(Statement("UPDATE member_session SET expires_at = UTC_TIMESTAMP(6)", expect=1)))
    assert status(call, f"Bearer {token}") == 401


def test_a_tampered_token_is_refused_at_every_place(call: Call, shopper: Callable[[], Any]) -> None:
    token = shopper().token
    for place in range(0, len(token), 5):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert status(call, f"Bearer {changed}") == 401
    assert status(call, f"Bearer {token[:-1]}") == 401
    assert status(call, f"Bearer {token}A") == 401


@pytest.mark.parametrize(
    "header",
    [
        None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer x", "Bearer .", "Bearer ..", "Bearer a.b.c", "Bearer \x00",
        "Bearer 果", "Bearer " + "a" * 10_000, "Bearer a b", "Bearer \ud800", "Token x", "Bearer ' OR 1=1 --",
    ],
)  # fmt: skip
def test_other_headers_are_refused(call: Call, header: str | None) -> None:
    assert status(call, header) == 401


@pytest.mark.parametrize("payload", [None, [], [1], {}, {"a": 1, "b": 2}, "ab", ["x", "y"], [1, None], [1, 2, 3], 7])
def test_a_well_signed_token_of_another_shape_is_refused(call: Call, payload: Any) -> None:
    assert status(call, f"Bearer {signed(payload)}") == 401


def test_a_session_of_another_member_is_refused(db: Connection, call: Call, shopper: Callable[[], Any]) -> None:
    one, other = shopper(), shopper()
    assert status(call, f"Bearer {signed([session_of(db, one.member_id), other.member_id])}") == 401


@pytest.mark.parametrize(
    "change", ["expires_at = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND", "revoked_at = UTC_TIMESTAMP(6)", "id = id + 1"]
)
def test_the_row_decides(db: Connection, call: Call, shopper: Callable[[], Any], change: str) -> None:
    one = shopper()
    db.run(lambda tx: tx.execute(Statement(f"UPDATE member_session SET {change}", expect=1)))
    assert status(call, f"Bearer {one.token}") == 401


def test_a_session_costs_one_round_trip_to_check(db: Connection, shopper: Callable[[], Any]) -> None:
    one = shopper()
    db.round_trips = 0
    found = db.run(lambda tx: sessions.authenticate(tx, f"Bearer {one.token}"))
    assert found.member_id == one.member_id
    assert db.round_trips == 1


@pytest.mark.parametrize("secret", ["", "short", "x" * 31])
def test_a_missing_or_short_secret_refuses_to_start(
    db: Connection, shopper: Callable[[], Any], monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    member_id = shopper().member_id
    monkeypatch.setenv("ORCHARD_SESSION_SECRET", secret)
    settings.forget()
    try:
        with pytest.raises(settings.ConfigurationError, match="secret") as refused:
            db.run(lambda tx: sessions.open_session(tx, member_id))
        assert not secret or secret not in str(refused.value)
    finally:
        monkeypatch.undo()
        settings.forget()
