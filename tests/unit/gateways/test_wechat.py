"""Login and phone numbers against a platform that answers as scripted."""

import json
from typing import Any

import pytest

from orchard.core.errors import AppError, CounterpartyRefused, Forbidden, TooManyRequests, Unavailable
from orchard.gateways.errors import ConfigurationError, HighRiskAccount, InvalidLoginCode, InvalidPhoneCode
from orchard.gateways.wechat import MiniProgram, WeChat
from tests.unit.gateways.mini_program import (
    LONG_TOKEN,
    SECRET,
    Shelf,
    client,
    good_for,
    paths,
    token,
    tokens_used,
)
from tests.unit.gateways.pay_platform import Scripted, plain, stalled

pytestmark = pytest.mark.usefixtures("no_secret_in_the_log")


def test_login_asks_once_and_drops_the_session_key(server: Scripted) -> None:
    server.will(plain({"openid": "oShopper", "session_key": "session-key", "unionid": "uShopper"}))
    session = client(server).code_to_session("code&x=1")
    assert (session.openid, session.unionid) == ("oShopper", "uShopper")
    assert "oShopper" not in repr(session)
    assert not hasattr(session, "session_key")
    assert server.asked[0].args.to_dict() == {
        "appid": "wx1",
        "secret": SECRET,
        "js_code": "code&x=1",
        "grant_type": "authorization_code",
    }
    assert paths(server) == ["/sns/jscode2session"]


def test_login_without_unionid(server: Scripted) -> None:
    for body in ({"openid": "oShopper"}, {"openid": "oShopper", "unionid": "", "errcode": 0}):
        server.will(plain(body))
        assert client(server).code_to_session("code").unionid is None


@pytest.mark.parametrize(
    ("errcode", "kind"),
    [
        (40029, InvalidLoginCode),
        (40163, InvalidLoginCode),
        (45011, TooManyRequests),
        (40226, HighRiskAccount),
        (-1, Unavailable),
        (40013, CounterpartyRefused),
        (40125, CounterpartyRefused),
        (99999, CounterpartyRefused),
        ("40029", InvalidLoginCode),
        ("soon", Unavailable),
    ],
)
def test_login_errors(server: Scripted, errcode: object, kind: type[AppError]) -> None:
    server.will(plain({"errcode": errcode, "errmsg": "oShopper rid: 65f"}))
    with pytest.raises(kind) as caught:
        client(server).code_to_session("code")
    assert type(caught.value) is kind
    assert SECRET not in str(caught.value)


def test_login_error_contract() -> None:
    assert (InvalidLoginCode.status, InvalidLoginCode.code) == (401, "invalid_login_code")
    assert issubclass(HighRiskAccount, Forbidden)


def test_wrong_settings_are_logged_loudly(server: Scripted, caplog: pytest.LogCaptureFixture) -> None:
    server.will(plain({"errcode": 40125, "errmsg": "invalid appsecret"}))
    with pytest.raises(CounterpartyRefused) as caught:
        client(server).code_to_session("code")
    assert caught.value.reason == "40125"
    assert [r.levelname for r in caplog.records if "app secret" in r.getMessage()] == ["ERROR"]


@pytest.mark.parametrize("code", ["", "x" * 513, "a b", "a\nb", "码", "\x00"])
def test_hopeless_codes_are_not_sent(server: Scripted, code: str) -> None:
    server.will()
    with pytest.raises(InvalidLoginCode):
        client(server).code_to_session(code)
    with pytest.raises(InvalidPhoneCode):
        client(server).phone_number(code)
    assert server.asked == []


FAILURES = [plain({}, 500), plain(b"<html>", 200), plain({"errcode": 0}, 302), plain([1]), stalled]
FAILURE_NAMES = ["500", "html", "redirect", "list", "stall"]


@pytest.mark.parametrize(
    "failure", [*FAILURES, plain({"openid": ""}), plain({"openid": 7})], ids=[*FAILURE_NAMES, "blank", "number"]
)
def test_login_without_an_answer_is_unavailable(server: Scripted, failure: Any) -> None:
    server.will(failure)
    with pytest.raises(Unavailable) as caught:
        client(server).code_to_session("code")
    chain = caught.value.__context__
    assert SECRET not in repr(caught.value) + repr(chain)
    assert chain is None or chain.__context__ is None


@pytest.mark.parametrize(
    ("info", "number"),
    [
        ({"purePhoneNumber": "13800138000", "countryCode": "86"}, "13800138000"),
        ({"purePhoneNumber": "13800138000", "countryCode": 86}, "13800138000"),
        ({"purePhoneNumber": "13800138000"}, "13800138000"),
        ({"purePhoneNumber": "51234567", "countryCode": "852", "phoneNumber": "+85251234567"}, "+85251234567"),
        ({"purePhoneNumber": "51234567", "countryCode": 852}, "+85251234567"),
    ],
)
def test_phone_number(server: Scripted, info: dict[str, Any], number: str) -> None:
    server.will(token(), plain({"errcode": 0, "phone_info": info}))
    assert client(server).phone_number("code") == number
    assert paths(server) == ["/cgi-bin/stable_token", "/wxa/business/getuserphonenumber"]
    assert json.loads(server.bodies[0]) == {
        "grant_type": "client_credential",
        "appid": "wx1",
        "secret": SECRET,
        "force_refresh": False,
    }
    assert json.loads(server.bodies[1]) == {"code": "code"}
    assert tokens_used(server) == [LONG_TOKEN]


@pytest.mark.parametrize(
    ("errcode", "kind"),
    [
        (40029, InvalidPhoneCode),
        (40163, InvalidPhoneCode),
        (45011, TooManyRequests),
        (-1, Unavailable),
        (40013, CounterpartyRefused),
        (45009, Unavailable),
    ],
)
def test_phone_errors(server: Scripted, errcode: int, kind: type[AppError]) -> None:
    server.will(plain({"errcode": errcode, "errmsg": "13800138000"}))
    with pytest.raises(kind) as caught:
        client(server, Shelf(good_for(3600))).phone_number("code")
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    "failure",
    [
        *FAILURES,
        plain({"phone_info": {}}),
        plain({"errcode": "soon"}),
        plain({"phone_info": {"purePhoneNumber": "abc"}}),
    ],
    ids=[*FAILURE_NAMES, "empty", "errcode", "letters"],
)
def test_phone_without_an_answer_is_unavailable_and_hides_the_token(server: Scripted, failure: Any) -> None:
    server.will(failure)
    with pytest.raises(Unavailable) as caught:
        client(server, Shelf(good_for(3600, LONG_TOKEN))).phone_number("code")
    assert LONG_TOKEN not in repr(caught.value) + repr(caught.value.__context__)


def test_settings_are_checked_and_kept_secret() -> None:
    assert SECRET not in repr(MiniProgram("wx1", SECRET))
    with pytest.raises(ConfigurationError):
        MiniProgram("wx1", "")
    with pytest.raises(ConfigurationError):
        MiniProgram("wx1", SECRET, "http://api.weixin.qq.com")
    with pytest.raises(ConfigurationError, match="token store"):
        WeChat(MiniProgram("wx1", SECRET, "http://127.0.0.1:9")).phone_number("code")
