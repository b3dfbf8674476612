"""The shared access token against a platform that answers as scripted."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from wechatpy.client import WeChatClient as Oracle

from orchard.core import clock
from orchard.core.errors import CounterpartyRefused, Unavailable
from orchard.gateways.http import Timeouts
from tests.unit.gateways.mini_program import (
    LONG_TOKEN,
    PHONE,
    SECRET,
    Shelf,
    client,
    good_for,
    paths,
    token,
    tokens_used,
)
from tests.unit.gateways.pay_platform import Scripted, plain

pytestmark = pytest.mark.usefixtures("no_secret_in_the_log")

BAD_TOKEN = plain({"errcode": 40001, "errmsg": "invalid credential, access_token is invalid rid: 1"})


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
