"""POST /log-in: a WeChat code becomes one member and a session, or a typed refusal."""

import secrets
from collections.abc import Callable

import pytest

from infra.local.wechat_sandbox.client import SandboxClient
from orchard.core.errors import NotFound
from orchard.members import service
from orchard.members.models import MemberFrozen
from orchard.members.schemas import LogInRequest
from orchard.members.service import login
from orchard.runtime import sessions, settings
from orchard.runtime.database import Connection
from tests.support.calls import Answer
from tests.support.races import errors, race, values

LogIn = Callable[..., Answer]
Call = Callable[..., Answer]


def joined(db: Connection) -> list[str]:
    rows = db.run(lambda tx: tx.rows("SELECT subject FROM outbox WHERE topic = 'member.joined'"))
    return [row["subject"] for row in rows]


def openid() -> str:
    return f"o{secrets.token_hex(13)}"


def test_the_first_login_makes_a_member_and_later_ones_find_it(db: Connection, log_in: LogIn) -> None:
    who = openid()
    first, second = log_in(who), log_in(who)
    assert (first.status, second.status) == (200, 200)
    assert (first.json["is_new"], second.json["is_new"]) == (True, False)
    member_id = first.json["profile"]["member_id"]
    assert second.json["profile"]["member_id"] == member_id
    assert first.json["token"] != second.json["token"]
    assert first.json["expires_in"] == settings.session().days * 86_400
    assert joined(db) == [member_id]
    assert db.run(lambda tx: service.member_openid(tx, int(member_id))) == who


def test_the_table_reveals_no_openid(db: Connection, log_in: LogIn) -> None:
    who = openid()
    log_in(who)
    row = db.run(lambda tx: tx.row("SELECT * FROM member"))
    assert row is not None
    assert who.encode() not in b"".join(v if isinstance(v, bytes) else str(v).encode() for v in row.values())


def test_first_logins_at_once_make_one_member(db: Connection, sandbox: SandboxClient) -> None:
    who = openid()
    codes = [sandbox.login_code(who) for _ in range(8)]
    logins = race(codes, lambda connection, code: login.log_in(connection, LogInRequest(code=code)), connections=8)
    assert errors(logins) == []
    entered = values(logins)
    assert len({one.profile.member_id for one in entered}) == 1
    assert [one.is_new for one in entered].count(True) == 1
    assert joined(db) == [str(entered[0].profile.member_id)]
    for one in entered:
        db.run(lambda tx, one=one: sessions.authenticate(tx, f"Bearer {one.token}"))  # type: ignore[misc]


def test_a_code_works_once(call: Call, sandbox: SandboxClient) -> None:
    body = {"code": sandbox.login_code(openid())}
    assert call("members/log_in", "POST", "/log-in", body=body).status == 200
    again = call("members/log_in", "POST", "/log-in", body=body)
    assert (again.status, again.code) == (401, "invalid_login_code")


def test_a_stale_code_is_refused(db: Connection, call: Call, sandbox: SandboxClient) -> None:
    body = {"code": sandbox.login_code(openid())}
    sandbox.advance(301)
    answer = call("members/log_in", "POST", "/log-in", body=body)
    assert (answer.status, answer.code) == (401, "invalid_login_code")
    assert db.run(lambda tx: tx.rows("SELECT id FROM member")) == []


def test_a_code_of_another_mini_program_is_refused(call: Call, sandbox: SandboxClient) -> None:
    answer = call("members/log_in", "POST", "/log-in", body={"code": f"0{secrets.token_hex(15)}"})
    assert (answer.status, answer.code) == (401, "invalid_login_code")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"code": ""},
        {"code": "x" * 513},
        {"code": 1},
        {"code": None},
        {"code": "c", "openid": "o"},
        {"code": "c", "member_id": "1"},
        [],
        "null",
    ],
)
def test_anything_but_a_code_is_refused(db: Connection, call: Call, sandbox: SandboxClient, body: object) -> None:
    answer = call("members/log_in", "POST", "/log-in", body=body)
    assert (answer.status, answer.code) == (422, "invalid_input")
    assert db.run(lambda tx: tx.rows("SELECT id FROM member")) == []


@pytest.mark.parametrize("code", ["a b", "a\r\nx: y", "果", "\u0000"])
def test_a_code_that_wechat_never_made_is_not_sent(call: Call, sandbox: SandboxClient, code: str) -> None:
    # Were it sent, this would be the answer.
    sandbox.misbehave("wechat_error", call=None, times=None, value=-1)
    answer = call("members/log_in", "POST", "/log-in", body={"code": code})
    assert (answer.status, answer.code) == (401, "invalid_login_code")


@pytest.mark.parametrize(
    ("fault", "value", "status"), [("wechat_error", -1, 503), ("wechat_error", 40226, 403), ("rate_limited", None, 429)]
)
def test_a_failing_wechat_makes_no_member(
    db: Connection, log_in: LogIn, sandbox: SandboxClient, fault: str, value: int | None, status: int
) -> None:
    sandbox.misbehave(fault, value=value)
    assert log_in(openid()).status == status
    assert db.run(lambda tx: tx.rows("SELECT id FROM member")) == []


def test_a_frozen_member_is_out_at_once_and_until_unfrozen(db: Connection, log_in: LogIn, call: Call) -> None:
    who = openid()
    entered = log_in(who).json
    member_id = int(entered["profile"]["member_id"])
    db.run(lambda tx: service.freeze(tx, member_id))
    assert call("members/profile", "GET", "/profile", token=entered["token"]).status == 401
    refused = log_in(who)
    assert (refused.status, refused.code) == (403, "member_frozen")
    db.run(lambda tx: service.unfreeze(tx, member_id))
    assert log_in(who).status == 200


def test_no_session_survives_a_freezing_at_the_same_moment(db: Connection, sandbox: SandboxClient) -> None:
    who = openid()
    member_id = db.run(lambda tx: service.join(tx, openid=who))
    codes: list[str | None] = [sandbox.login_code(who) for _ in range(6)]
    outcomes = race([*codes[:3], None, *codes[3:]], lambda c, code: _enter_or_freeze(c, code, member_id), connections=7)
    assert all(isinstance(error, MemberFrozen) for error in errors(outcomes))
    live = db.run(lambda tx: tx.rows("SELECT id FROM member_session WHERE revoked_at IS NULL"))
    assert live == []


def _enter_or_freeze(connection: Connection, code: str | None, member_id: int) -> None:
    if code is None:
        connection.run(lambda tx: service.freeze(tx, member_id))
    else:
        login.log_in(connection, LogInRequest(code=code))


def test_a_member_that_is_not_there_cannot_be_frozen(db: Connection) -> None:
    with pytest.raises(NotFound):
        db.run(lambda tx: service.freeze(tx, 1))
