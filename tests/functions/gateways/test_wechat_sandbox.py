"""Login, phone number and the shared token against the sandbox."""

from datetime import timedelta
from typing import Any

import pytest

from infra.local.wechat_sandbox.server import SandboxServer
from orchard.core import clock
from orchard.core.errors import AppError, CounterpartyRefused, TooManyRequests, Unavailable
from orchard.gateways.errors import HighRiskAccount, InvalidLoginCode, InvalidPhoneCode
from orchard.gateways.http import Timeouts
from orchard.gateways.wechat import MiniProgram, WeChat
from tests.functions.gateways.sandbox_merchant import OPENID
from tests.unit.gateways.mini_program import Shelf


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def client(sandbox: SandboxServer, shelf: Shelf) -> WeChat:
    sandbox.client.create_shopper(openid=OPENID, phone="13800138000", unionid="uShopper")
    app = MiniProgram(sandbox.config.appid, sandbox.config.app_secret, sandbox.url)
    return WeChat(app, shelf, Timeouts(connect=2.0, read=1.0))


def test_login_once_per_code(sandbox: SandboxServer, client: WeChat) -> None:
    code = sandbox.client.login_code(OPENID)
    session = client.code_to_session(code)
    assert (session.openid, session.unionid) == (OPENID, "uShopper")
    with pytest.raises(InvalidLoginCode):
        client.code_to_session(code)
    expired = sandbox.client.login_code(OPENID)
    sandbox.client.advance(301)
    with pytest.raises(InvalidLoginCode):
        client.code_to_session(expired)
    with pytest.raises(InvalidLoginCode):
        client.code_to_session("made-up")


@pytest.mark.parametrize(
    ("fault", "value", "kind"),
    [
        ("rate_limited", None, TooManyRequests),
        ("error_before", None, Unavailable),
        ("error_after", None, Unavailable),
        ("reset_before", None, Unavailable),
        ("reset_after", None, Unavailable),
        ("stall", 1.5, Unavailable),
        ("wechat_error", 40226, HighRiskAccount),
        ("wechat_error", 40163, InvalidLoginCode),
        ("wechat_error", 40125, CounterpartyRefused),
    ],
)
def test_login_trouble(sandbox: SandboxServer, client: WeChat, fault: str, value: Any, kind: type[AppError]) -> None:
    code = sandbox.client.login_code(OPENID)
    sandbox.client.misbehave(fault, call="login", value=value)
    with pytest.raises(kind):
        client.code_to_session(code)


def test_phone_number_by_a_stored_token(sandbox: SandboxServer, client: WeChat, shelf: Shelf) -> None:
    code = sandbox.client.phone_code(OPENID)
    assert client.phone_number(code) == "13800138000"
    assert shelf.held is not None
    assert len(shelf.held[0]) >= 32
    sandbox.client.misbehave("numeric_country_code", call="phone")
    assert client.phone_number(sandbox.client.phone_code(OPENID)) == "13800138000"
    with pytest.raises(InvalidPhoneCode):
        client.phone_number(code)
    with pytest.raises(InvalidPhoneCode):
        client.phone_number(sandbox.client.login_code(OPENID))


@pytest.mark.parametrize("errcode", [40001, 40014, 42001])
def test_phone_number_after_one_refused_token(sandbox: SandboxServer, client: WeChat, errcode: int) -> None:
    sandbox.client.misbehave("wechat_error", call="phone", value=errcode)
    assert client.phone_number(sandbox.client.phone_code(OPENID)) == "13800138000"


def test_expired_and_made_up_tokens_are_replaced(sandbox: SandboxServer, client: WeChat, shelf: Shelf) -> None:
    client.phone_number(sandbox.client.phone_code(OPENID))
    first = shelf.held
    # The platform's clock runs on while ours does not, so our token dies early.
    sandbox.client.advance(7500)
    assert client.phone_number(sandbox.client.phone_code(OPENID)) == "13800138000"
    assert first is not None
    assert shelf.held is not None
    assert shelf.held[0] != first[0]

    shelf.held = "made up", clock.utc_now() + timedelta(hours=1)
    app = MiniProgram(sandbox.config.appid, sandbox.config.app_secret, sandbox.url)
    assert WeChat(app, shelf).phone_number(sandbox.client.phone_code(OPENID)) == "13800138000"
    assert shelf.held[0] != "made up"


@pytest.mark.parametrize("fault", ["reset_before", "reset_after", "error_before", "stall"])
@pytest.mark.parametrize("call", ["token", "phone"])
def test_phone_trouble(sandbox: SandboxServer, client: WeChat, fault: str, call: str) -> None:
    code = sandbox.client.phone_code(OPENID)
    sandbox.client.misbehave(fault, call=call, value=1.5 if fault == "stall" else None)
    with pytest.raises(Unavailable):
        client.phone_number(code)
