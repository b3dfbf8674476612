"""POST /profile/phone: the number that WeChat vouches for, encrypted, one member each."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from infra.local.wechat_sandbox.client import SandboxClient
from orchard.runtime import personal_data
from orchard.runtime.database import Connection
from tests.support.calls import Answer

Call = Callable[..., Answer]


def shopper_with(sandbox: SandboxClient, phone: str) -> str:
    return str(sandbox.create_shopper(openid=f"o{secrets.token_hex(13)}", phone=phone)["openid"])


def bind(call: Call, sandbox: SandboxClient, openid: str, token: str | None) -> Answer:
    return call("members/bind_phone", "POST", "/profile/phone", token=token, body={"code": sandbox.phone_code(openid)})


def test_the_number_is_bound_masked_and_encrypted(
    db: Connection, call: Call, sandbox: SandboxClient, shopper: Callable[[], Any]
) -> None:
    one = shopper()
    answer = bind(call, sandbox, shopper_with(sandbox, "13912345678"), one.token)
    assert answer.status == 200, answer.text
    assert answer.json["phone"] == "139****5678"
    assert call("members/profile", "GET", "/profile", token=one.token).json["phone"] == "139****5678"
    row = db.run(lambda tx: tx.row("SELECT phone_sealed, phone_hash FROM member WHERE id = %s", (one.member_id,)))
    assert row is not None
    assert b"13912345678" not in row["phone_sealed"] + row["phone_hash"]


def test_binding_again_or_another_number_replaces(
    call: Call, sandbox: SandboxClient, shopper: Callable[[], Any]
) -> None:
    one = shopper()
    openid = shopper_with(sandbox, "13912345678")
    assert bind(call, sandbox, openid, one.token).status == 200
    assert bind(call, sandbox, openid, one.token).status == 200
    other = shopper_with(sandbox, "13712340000")
    assert bind(call, sandbox, other, one.token).json["phone"] == "137****0000"


def test_a_number_of_another_member_is_refused(call: Call, sandbox: SandboxClient, shopper: Callable[[], Any]) -> None:
    one, two = shopper(), shopper()
    openid = shopper_with(sandbox, "13912345678")
    assert bind(call, sandbox, openid, one.token).status == 200
    refused = bind(call, sandbox, openid, two.token)
    assert (refused.status, refused.code) == (409, "phone_taken")
    assert "139" not in refused.text
    assert call("members/profile", "GET", "/profile", token=two.token).json["phone"] is None


def test_a_code_works_once_and_five_minutes(call: Call, sandbox: SandboxClient, shopper: Callable[[], Any]) -> None:
    one = shopper()
    openid = shopper_with(sandbox, "13912345678")
    used, stale = {"code": sandbox.phone_code(openid)}, {"code": sandbox.phone_code(openid)}
    assert call("members/bind_phone", "POST", "/profile/phone", token=one.token, body=used).status == 200
    sandbox.advance(301)
    for body in (used, stale, {"code": sandbox.login_code(openid)}):
        answer = call("members/bind_phone", "POST", "/profile/phone", token=one.token, body=body)
        assert (answer.status, answer.code) == (422, "invalid_phone_code")


def test_without_a_session_wechat_is_not_asked(call: Call, sandbox: SandboxClient) -> None:
    openid = shopper_with(sandbox, "13912345678")
    code = {"code": sandbox.phone_code(openid)}
    assert call("members/bind_phone", "POST", "/profile/phone", body=code).status == 401
    assert call("members/bind_phone", "POST", "/profile/phone", token="x", body=code).status == 401


@pytest.mark.parametrize("body", [{}, {"code": ""}, {"code": "x", "phone": "13800138000"}])
def test_a_number_in_the_body_counts_for_nothing(
    call: Call, sandbox: SandboxClient, shopper: Callable[[], Any], body: dict[str, str]
) -> None:
    answer = call("members/bind_phone", "POST", "/profile/phone", token=shopper().token, body=body)
    assert answer.status == 422


def test_the_access_token_is_shared_and_renewed_when_refused(
    db: Connection, call: Call, sandbox: SandboxClient, shopper: Callable[[], Any]
) -> None:
    openid = shopper_with(sandbox, "13912345678")
    assert bind(call, sandbox, openid, shopper().token).status == 200
    rows = db.run(lambda tx: tx.rows("SELECT name, token_sealed FROM access_token"))
    assert [row["name"].split(":")[0] for row in rows] == ["wechat"]
    # Two hours on, the platform knows the old token no more, whatever this process believes.
    sandbox.advance(7200 + 301)
    other = shopper_with(sandbox, "13712340000")
    assert bind(call, sandbox, other, shopper().token).status == 200
    assert db.run(lambda tx: tx.rows("SELECT name, token_sealed FROM access_token")) != rows


def test_a_failing_wechat_binds_nothing(call: Call, sandbox: SandboxClient, shopper: Callable[[], Any]) -> None:
    one = shopper()
    openid = shopper_with(sandbox, "13912345678")
    sandbox.misbehave("reset_after", times=None)
    assert bind(call, sandbox, openid, one.token).status == 503
    sandbox.behave()
    assert call("members/profile", "GET", "/profile", token=one.token).json["phone"] is None


def test_the_shared_access_token_is_not_readable_in_the_database(
    db: Connection, call: Call, sandbox: SandboxClient, shopper: Callable[[], Any]
) -> None:
    assert bind(call, sandbox, shopper_with(sandbox, "13912345678"), shopper().token).status == 200
    (row,) = db.run(lambda tx: tx.rows("SELECT name, token_sealed FROM access_token"))
    token = personal_data.decrypt(row["token_sealed"], f"access_token.token_sealed:{row['name']}")
    assert token
    assert token.encode() not in row["token_sealed"]
