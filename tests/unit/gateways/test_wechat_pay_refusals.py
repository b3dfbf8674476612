"""The platform's error codes, in every spelling, as the client's errors and in its log."""

import logging

import pytest

from orchard.core.errors import AppError, CounterpartyRefused, Unavailable
from orchard.gateways.wechat_pay import (
    AlreadyClosed,
    AlreadyPaid,
    FrequencyLimited,
    MerchantSetupRefused,
    NotEnoughBalance,
    OrderMissing,
    OutcomeUnknown,
    RetryLater,
    WeChatPayClient,
)
from orchard.gateways.wechat_pay.errors import normalise
from tests.unit.gateways.pay_exchanges import ACTIONS, ASKED, GOOD, NUMBER, body, every_action
from tests.unit.gateways.pay_platform import Platform, Scripted, plain, stalled

SPELLINGS: list[tuple[int, str, type[AppError]]] = [
    (400, "ORDER_PAID", AlreadyPaid),
    (400, "ORDERPAID", AlreadyPaid),
    (400, "ORDER_CLOSED", AlreadyClosed),
    (400, "ORDERCLOSED", AlreadyClosed),
    (403, "NOT_ENOUGH", NotEnoughBalance),
    (403, "NOTENOUGH", NotEnoughBalance),
    (401, "SIGN_ERROR", MerchantSetupRefused),
    (403, "NO_AUTH", MerchantSetupRefused),
    (403, "NOAUTH", MerchantSetupRefused),
    (400, "MCH_NOT_EXISTS", MerchantSetupRefused),
    (400, "APPID_MCHID_NOT_MATCH", MerchantSetupRefused),
    (400, "PARAM_ERROR", CounterpartyRefused),
    (400, "INVALID_REQUEST", CounterpartyRefused),
    (403, "RULELIMIT", CounterpartyRefused),
    (403, "USER_ACCOUNT_ABNORMAL", CounterpartyRefused),
    (403, "OUT_TRADE_NO_USED", CounterpartyRefused),
    (403, "FREQUENCY_LIMITED", FrequencyLimited),
    (400, "SOMETHING_NEW", CounterpartyRefused),
]


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize(("status", "code", "kind"), SPELLINGS)
def test_error_codes_in_every_spelling(
    client: WeChatPayClient,
    server: Scripted,
    platform: Platform,
    status: int,
    code: str,
    kind: type[AppError],
    signed: bool,
) -> None:
    problem = {"code": code, "message": "oShopper", "detail": {"value": "oShopper"}}
    for action in ("prepay", "close", "refund"):
        server.will(platform.reply(problem, status) if signed else plain(problem, status))
        with pytest.raises(kind) as caught:
            ACTIONS[action](client)
        assert type(caught.value) is kind
        assert caught.value.reason == code  # type: ignore[attr-defined]  # every kind listed has one
        assert "oShopper" not in str(caught.value)


@pytest.mark.parametrize("code", ["ORDER_NOT_EXIST", "ORDER_NOT_EXISTS", "ORDERNOTEXIST", "RESOURCE_NOT_EXISTS"])
def test_missing_at_the_platform(client: WeChatPayClient, server: Scripted, platform: Platform, code: str) -> None:
    missing = platform.reply({"code": code, "message": "订单不存在"}, 404)
    server.will(missing, missing, missing)
    assert client.query(NUMBER) is None
    assert client.query_refund("R1") is None
    with pytest.raises(OrderMissing):
        client.close(NUMBER)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("ORDER_NOT_EXISTS", "ORDERNOTEXIST"),
        ("ORDERPAID", "ORDER_PAID"),
        ("SYSTEMERROR", "SYSTEM_ERROR"),
        ("order_closed", "ORDERCLOSED"),
    ],
)
def test_normalised_spellings_meet(left: str, right: str) -> None:
    assert normalise(left) == normalise(right)


@every_action
def test_frequency_limit_is_retried_once_with_a_new_nonce(
    client: WeChatPayClient, server: Scripted, platform: Platform, action: str
) -> None:
    limited = plain({"code": "FREQUENCY_LIMITED"}, 429)
    server.will(limited, platform.reply(*GOOD[action]))
    ACTIONS[action](client)
    first, second = (request.headers["Authorization"] for request in server.asked)
    assert first != second
    assert server.bodies[0] == server.bodies[1]

    server.will(limited, limited)
    with pytest.raises(FrequencyLimited) as caught:
        ACTIONS[action](client)
    assert isinstance(caught.value, RetryLater)
    assert isinstance(caught.value, Unavailable)


def test_log_tells_the_code_and_nothing_personal(
    client: WeChatPayClient, server: Scripted, platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    problem = {"code": "NOT_ENOUGH", "message": "商户余额不足 oShopper", "detail": {"value": "oShopper"}}
    server.will(plain(problem, 403, **{"Request-ID": "08ABC-268512771"}))
    with pytest.raises(NotEnoughBalance):
        client.refund(ASKED)
    server.will(stalled)
    with pytest.raises(OutcomeUnknown):
        client.prepay(body(client))
    assert "HTTP 403 NOT_ENOUGH, request 08ABC-268512771" in caplog.text
    assert any(record.levelno == logging.ERROR for record in caplog.records)
    for secret in ("oShopper", "signature=", platform.keys().api_v3_key):
        assert secret not in caplog.text
