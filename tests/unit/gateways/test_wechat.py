"""Login, phone numbers and the shared token against a platform that answers as scripted."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from wechatpy.client import WeChatClient as Oracle
from werkzeug.wrappers import Request, Response

from orchard.core import clock
from orchard.core.errors import AppError, CounterpartyRefused, Forbidden, TooManyRequests, Unavailable
from orchard.gateways.errors import ConfigurationError, HighRiskAccount, InvalidLoginCode, InvalidPhoneCode
from orchard.gateways.http import Timeouts
from orchard.gateways.wechat import MiniProgram, WeChat
from tests.unit.gateways.pay_platform import Scripted, plain

SECRET = "s3cret" * 6
LONG_TOKEN = "T" * 600
BAD_TOKEN = plain({"errcode": 40001, "errmsg": "invalid credential, access_token is invalid rid: 1"})
PHONE = plain(
    {
        "errcode": 0,
        "errmsg": "ok",
        "phone_info": {"phoneNumber": "13800138000", "purePhoneNumber": "13800138000", "countryCode": "86"},
    }
)


class Shelf:
    """A token store in memory, as several instances of the shop would share it."""

    def __init__(self, *held: tuple[str, datetime]) -> None:
        self.held = held[0] if held else None
        self.saves = 0

    def load(self) -> tuple[str, datetime] | None:
        return self.held

    def save(self, token: str, expires_at: datetime) -> None:
        self.held, self.saves = (token, expires_at), self.saves + 1


def client(server: Scripted, shelf: Shelf | None = None) -> WeChat:
    return WeChat(MiniProgram("wx1", SECRET, server.url), shelf or Shelf(), Timeouts(connect=1.0, read=0.3))


def token(text: str = LONG_TOKEN, life: object = 7200) -> Any:
    return plain({"access_token": text, "expires_in": life})


def good_for(seconds: int, text: str = "stored") -> tuple[str, datetime]:
    return text, clock.utc_now() + timedelta(seconds=seconds)


def paths(server: Scripted) -> list[str]:
    return [request.path for request in server.asked]


def tokens_used(server: Scripted) -> list[str]:
    return [r.args["access_token"] for r in server.asked if r.path.startswith("/wxa/")]


@pytest.fixture(autouse=True)
def no_secret_in_the_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    # As in a new process: silence is for the gateway to bring about, with the first call of either kind.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.NOTSET)
    yield
    written = "\n".join(record.getMessage() for record in caplog.get_records("call"))
    for secret in (SECRET, LONG_TOKEN, "session-key", "13800138000", "oShopper"):
        assert secret not in written


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


def stalled(request: Request) -> Response:
    import time

    time.sleep(0.5)
    return Response(b"{}")


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


def test_token_is_shared_through_the_store(server: Scripted) -> None:
    shelf = Shelf()
    server.will(token(), PHONE, PHONE, PHONE)
    first = client(server, shelf)
    first.phone_number("a")
    first.phone_number("b")
    client(server, shelf).phone_number("c")
    assert tokens_used(server) == [LONG_TOKEN] * 3
    assert paths(server).count("/cgi-bin/stable_token") == shelf.saves == 1
    assert shelf.held is not None
    assert shelf.held[0] == LONG_TOKEN
    assert timedelta(seconds=7100) < shelf.held[1] - datetime.now(UTC) <= timedelta(seconds=7200)


@pytest.mark.parametrize(("left", "asks"), [(3600, False), (61, False), (59, True), (-1, True)])
def test_token_is_used_until_its_last_minute(server: Scripted, left: int, asks: bool) -> None:
    server.will(*([token()] if asks else []), PHONE)
    client(server, Shelf(good_for(left))).phone_number("code")
    assert tokens_used(server) == [LONG_TOKEN if asks else "stored"]


def test_token_in_memory_ages_too(server: Scripted) -> None:
    shop = client(server)
    server.will(token("first"), PHONE, token("second"), PHONE)
    shop.phone_number("a")
    with clock.shifted(7150):
        shop.phone_number("b")
    assert tokens_used(server) == ["first", "second"]


@pytest.mark.parametrize("errcode", [40001, 40014, 42001])
def test_refused_token_is_renewed_once(server: Scripted, errcode: int) -> None:
    server.will(plain({"errcode": errcode}), token("new"), PHONE)
    assert client(server, Shelf(good_for(3600))).phone_number("code") == "13800138000"
    assert tokens_used(server) == ["stored", "new"]

    server.will(plain({"errcode": errcode}), token("new"), plain({"errcode": errcode}))
    with pytest.raises(Unavailable):
        client(server, Shelf(good_for(3600))).phone_number("code")
    assert len(server.asked) == 3


def test_refused_token_gives_way_to_another_instances(server: Scripted) -> None:
    shelf = Shelf(good_for(3600, "old"))
    shop = client(server, shelf)
    server.will(PHONE)
    shop.phone_number("a")
    shelf.held = good_for(7000, "from elsewhere")
    server.will(BAD_TOKEN, PHONE)
    shop.phone_number("b")
    assert tokens_used(server) == ["old", "from elsewhere"]
    assert shelf.saves == 0


def test_a_new_token_is_forced_only_when_the_platform_refuses_its_own(server: Scripted) -> None:
    shop = client(server, Shelf(good_for(3600)))
    server.will(BAD_TOKEN, token("stored"), token("forced"), PHONE)
    shop.phone_number("a")
    assert [json.loads(b)["force_refresh"] for b in server.bodies[1:3]] == [False, True]
    # Forcing ends everybody's token, so it is not done twice in a row.
    server.will(BAD_TOKEN, token("forced"))
    with pytest.raises(Unavailable):
        shop.phone_number("b")
    assert len(server.asked) == 2


@pytest.mark.parametrize("answer", [token(life=0), token(life="7200"), token(""), plain({}), plain({"errcode": -1})])
def test_unusable_token_answers(server: Scripted, answer: Any) -> None:
    shelf = Shelf()
    server.will(answer)
    with pytest.raises(Unavailable):
        client(server, shelf).phone_number("code")
    assert shelf.saves == 0


def test_token_refusals_are_our_settings(server: Scripted) -> None:
    server.will(plain({"errcode": 40164, "errmsg": "invalid ip 1.2.3.4, not in whitelist"}))
    with pytest.raises(CounterpartyRefused) as caught:
        client(server).phone_number("code")
    assert caught.value.reason == "40164"


def test_wechatpys_own_groups_use_our_host_and_token(server: Scripted) -> None:
    from orchard.gateways.http import Host
    from orchard.gateways.wechat.tokened import StableTokenClient
    from orchard.gateways.wechat.tokens import AccessTokens

    tokens = AccessTokens("wx1", SECRET, Host(server.url, Timeouts(), "url"), Shelf(good_for(3600)))
    shop = StableTokenClient("wx1", server.url, tokens, Timeouts())
    server.will(plain(b"\xff\xd8image", 200))
    assert shop.wxa.get_wxa_code_unlimited("scene").content == b"\xff\xd8image"
    assert (paths(server), tokens_used(server)) == (["/wxa/getwxacodeunlimit"], ["stored"])
    server.will(plain({"errcode": 0}))
    shop.message.send_text("oShopper", "hello")
    assert paths(server) == ["/cgi-bin/message/custom/send"]
    assert issubclass(StableTokenClient, Oracle)


def test_settings_are_checked_and_kept_secret() -> None:
    assert SECRET not in repr(MiniProgram("wx1", SECRET))
    with pytest.raises(ConfigurationError):
        MiniProgram("wx1", "")
    with pytest.raises(ConfigurationError):
        MiniProgram("wx1", SECRET, "http://api.weixin.qq.com")
    with pytest.raises(ConfigurationError, match="token store"):
        WeChat(MiniProgram("wx1", SECRET, "http://127.0.0.1:9")).phone_number("code")
