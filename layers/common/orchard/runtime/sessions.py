"""Member sessions: a signed token, and a row that expires and can be revoked.

The token is itsdangerous' timed serializer (HMAC-SHA256), which has one algorithm and no header to tamper with; the
row decides. Both must agree: signature, row present, not expired by the database's clock, not revoked.
"""

import hashlib
from typing import NamedTuple

from itsdangerous import BadData, URLSafeTimedSerializer
from itsdangerous.encoding import base64_decode, base64_encode

from orchard.core.errors import Unauthenticated
from orchard.core.ids import new_id
from orchard.runtime import settings
from orchard.runtime.database import Statement, Tx

_MAX_TOKEN = 512


class MemberSession(NamedTuple):
    """Who is calling: the member and the session they came with."""

    member_id: int
    session_id: int


def _serializer() -> URLSafeTimedSerializer:
    secret = settings.session().secret.get_secret_value()
    return URLSafeTimedSerializer(secret, salt="member-session", signer_kwargs={"digest_method": hashlib.sha256})


def open_session(tx: Tx, member_id: int) -> str:
    """Begin a session for a member who has just proved who they are; returns the bearer token."""
    session_id, days = new_id(), settings.session().days
    tx.execute(
        Statement(
            "INSERT INTO member_session (id, member_id, created_at, expires_at)"
            " VALUES (%s, %s, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL %s DAY)",
            (session_id, member_id, days),
            expect=1,
        )
    )
    return str(_serializer().dumps([session_id, member_id]))


def authenticate(tx: Tx, authorization: str | None) -> MemberSession:
    """The session behind an `Authorization: Bearer` header, in one query. Raises Unauthenticated."""
    session = _unsign(authorization)
    found = tx.row(
        "SELECT 1 AS live FROM member_session WHERE id = %s AND member_id = %s"
        " AND revoked_at IS NULL AND expires_at > UTC_TIMESTAMP(6)",
        (session.session_id, session.member_id),
    )
    if found is None:
        raise Unauthenticated
    return session


def _unsign(authorization: str | None) -> MemberSession:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not 0 < len(token) <= _MAX_TOKEN:
        raise Unauthenticated
    try:
        # No max_age: the stamp is of the signer's clock, which may be ahead of ours. The row's end is the database's.
        session_id, member_id = _serializer().loads(token)
        if not _canonical(token):
            raise Unauthenticated
        return MemberSession(member_id=int(member_id), session_id=int(session_id))
    except (BadData, ValueError, TypeError):
        raise Unauthenticated from None


def _canonical(token: str) -> bool:
    """Whether the signature is spelled as we give it out: lenient base64 takes padding, strays and spare bits too."""
    signature = token.rpartition(".")[2]
    return base64_encode(base64_decode(signature)) == signature.encode()


def revoke(tx: Tx, session: MemberSession, *, everywhere: bool) -> int:
    """End this session, or all of the member's; returns how many ended."""
    sql = "UPDATE member_session SET revoked_at = UTC_TIMESTAMP(6) WHERE member_id = %s AND revoked_at IS NULL"
    if everywhere:
        return tx.execute(Statement(sql, (session.member_id,)))
    return tx.execute(Statement(f"{sql} AND id = %s", (session.member_id, session.session_id)))


def purge_expired(tx: Tx, limit: int) -> int:
    """Delete up to `limit` sessions that can no longer be used; returns how many."""
    return tx.execute(
        Statement(
            "DELETE FROM member_session WHERE expires_at < UTC_TIMESTAMP(6) ORDER BY expires_at LIMIT %s",
            (limit,),
        )
    )
