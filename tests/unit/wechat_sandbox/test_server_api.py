"""The server API: codes, tokens, phone numbers, and its errcodes under HTTP 200."""

from __future__ import annotations

import json
from typing import Any

import pytest
import urllib3

from infra.local.wechat_sandbox.server import SandboxServer

HTTP = urllib3.PoolManager(retries=False, timeout=5)


def login(sandbox: SandboxServer, code: str | None, **changes: str | None) -> dict[str, Any]:
    """Exchange a login code; a change to None leaves a parameter out."""
    given = {
        "appid": sandbox.config.appid, "secret": sandbox.config.app_secret, "js_code": code,
        "grant_type": "authorization_code",
    } | changes  # fmt: skip
    fields = {name: value for name, value in given.items() if value is not None}
    answer = HTTP.request("GET", f"{sandbox.url}/sns/jscode2session", fields=fields)
    assert answer.status == 200
    content: dict[str, Any] = json.loads(answer.data)
    return content


def token(sandbox: SandboxServer, **changes: Any) -> dict[str, Any]:
    """Ask for the stable token."""
    config = sandbox.config
    body = {"grant_type": "client_credential", "appid": config.appid, "secret": config.app_secret} | changes
    content: dict[str, Any] = HTTP.request("POST", f"{sandbox.url}/cgi-bin/stable_token", json=body).json()
    return content


def phone(sandbox: SandboxServer, access_token: str | None, code: str) -> dict[str, Any]:
    """Exchange a phone code."""
    query = f"?access_token={access_token}" if access_token is not None else ""
    url = f"{sandbox.url}/wxa/business/getuserphonenumber{query}"
    content: dict[str, Any] = HTTP.request("POST", url, json={"code": code}).json()
    return content


def test_login(sandbox: SandboxServer) -> None:
    client = sandbox.client
    client.create_shopper(openid="o1", unionid="u1")
    first, second = (login(sandbox, client.login_code("o1")) for _ in range(2))
    assert (first["openid"], first["unionid"]) == ("o1", "u1")
    assert "errcode" not in first
    assert first["session_key"] != second["session_key"]
    assert "unionid" not in login(sandbox, client.login_code("o2"))


def test_a_code_serves_once_and_for_five_minutes(sandbox: SandboxServer) -> None:
    used, old = sandbox.client.login_code("o1"), sandbox.client.login_code("o1")
    login(sandbox, used)
    assert login(sandbox, used)["errcode"] == 40163
    sandbox.client.advance(301)
    assert login(sandbox, old)["errcode"] == 40029
    assert login(sandbox, "0nobody")["errcode"] == 40029
    assert login(sandbox, sandbox.client.phone_code("o1"))["errcode"] == 40029


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"appid": None}, 41002),
        ({"secret": None}, 41004),
        ({"js_code": None}, 41008),
        ({"appid": "wx1"}, 40013),
        ({"secret": "wrong"}, 40125),
        ({"grant_type": "client_credential"}, 40002),
    ],
)
def test_login_refusals(sandbox: SandboxServer, changes: dict[str, str | None], errcode: int) -> None:
    code = sandbox.client.login_code("o1")
    answer = login(sandbox, code, **changes)
    assert answer["errcode"] == errcode
    assert "rid: " in answer["errmsg"]
    assert login(sandbox, code)["openid"] == "o1"


@pytest.mark.parametrize("errcode", [-1, 40029, 45011, 40226, 40163])
def test_login_errors_on_request(sandbox: SandboxServer, errcode: int) -> None:
    sandbox.client.misbehave("wechat_error", call="login", value=errcode, times=2)
    code = sandbox.client.login_code("o1")
    answers = [login(sandbox, code).get("errcode") for _ in range(3)]
    assert answers == [errcode, errcode, None]


def test_stable_token_is_repeated_then_renewed_with_overlap(sandbox: SandboxServer) -> None:
    client, first = sandbox.client, token(sandbox)
    assert 7198 <= first["expires_in"] <= 7200
    client.advance(6800)
    again = token(sandbox)
    assert again["access_token"] == first["access_token"]
    assert 390 <= again["expires_in"] <= 400
    client.advance(150)
    renewed = token(sandbox)
    assert renewed["access_token"] != first["access_token"]
    assert phone(sandbox, first["access_token"], client.phone_code("o1"))["errcode"] == 0
    client.advance(300)
    assert phone(sandbox, first["access_token"], client.phone_code("o1"))["errcode"] == 42001
    assert phone(sandbox, renewed["access_token"], client.phone_code("o1"))["errcode"] == 0


def test_a_forced_token_kills_the_old_one(sandbox: SandboxServer) -> None:
    first = token(sandbox)["access_token"]
    forced = token(sandbox, force_refresh=True)["access_token"]
    assert token(sandbox)["access_token"] == forced != first
    assert phone(sandbox, first, sandbox.client.phone_code("o1"))["errcode"] == 40001
    assert token(sandbox, force_refresh=True)["errcode"] == 45011
    for _ in range(19):
        sandbox.client.advance(31)
        assert "access_token" in token(sandbox, force_refresh=True)
    sandbox.client.advance(31)
    assert token(sandbox, force_refresh=True)["errcode"] == 45009
    sandbox.client.advance(86400)
    assert "access_token" in token(sandbox, force_refresh=True)


def test_plain_tokens_replace_each_other_in_a_pool_of_their_own(sandbox: SandboxServer) -> None:
    stable = token(sandbox)["access_token"]
    url = f"{sandbox.url}/cgi-bin/token"
    given = {"grant_type": "client_credential", "appid": sandbox.config.appid}
    given["secret"] = sandbox.config.app_secret
    first, _ = (HTTP.request("GET", url, fields=given).json()["access_token"] for _ in range(2))
    assert phone(sandbox, first, sandbox.client.phone_code("o1"))["errcode"] == 0
    sandbox.client.advance(301)
    assert phone(sandbox, first, sandbox.client.phone_code("o1"))["errcode"] == 42001
    assert phone(sandbox, stable, sandbox.client.phone_code("o1"))["errcode"] == 0


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"grant_type": "x"}, 40002),
        ({"appid": "wx1"}, 40013),
        ({"secret": "x"}, 40125),
        ({"appid": ""}, 41002),
        ({"secret": ""}, 41004),
        ({"force_refresh": "yes"}, 47001),
    ],
)
def test_token_refusals(sandbox: SandboxServer, changes: dict[str, Any], errcode: int) -> None:
    assert token(sandbox, **changes)["errcode"] == errcode


@pytest.mark.parametrize(
    ("method", "body", "errcode"), [("POST", b"", 44002), ("POST", b"{", 47001), ("GET", None, 43002)]
)
def test_bodies(sandbox: SandboxServer, method: str, body: bytes | None, errcode: int) -> None:
    answer = HTTP.request(method, f"{sandbox.url}/cgi-bin/stable_token", body=body)
    assert (answer.status, answer.json()["errcode"]) == (200, errcode)


def test_phone(sandbox: SandboxServer) -> None:
    access = token(sandbox)["access_token"]
    sandbox.client.create_shopper(openid="o1", phone="13900000000")
    code = sandbox.client.phone_code("o1")
    assert phone(sandbox, None, code)["errcode"] == 41001
    assert phone(sandbox, "nobody", code)["errcode"] == 40001
    info = phone(sandbox, access, code)["phone_info"]
    assert (info["phoneNumber"], info["purePhoneNumber"], info["countryCode"]) == (
        "13900000000", "13900000000", "86",
    )  # fmt: skip
    assert info["watermark"]["appid"] == sandbox.config.appid
    assert phone(sandbox, access, code)["errcode"] == 40029
    old = sandbox.client.phone_code("o1")
    sandbox.client.advance(301)
    assert phone(sandbox, access, old)["errcode"] == 40029
    assert phone(sandbox, access, sandbox.client.login_code("o1"))["errcode"] == 40029
    sandbox.client.misbehave("numeric_country_code")
    assert phone(sandbox, access, sandbox.client.phone_code("o1"))["phone_info"]["countryCode"] == 86


@pytest.mark.parametrize(("name", "errcode"), [("rate_limited", 45011), ("error_before", -1), ("error_after", -1)])
def test_shared_faults(sandbox: SandboxServer, name: str, errcode: int) -> None:
    sandbox.client.misbehave(name)
    code = sandbox.client.login_code("o1")
    assert login(sandbox, code)["errcode"] == errcode
    assert login(sandbox, code).get("errcode") == (40163 if name == "error_after" else None)
