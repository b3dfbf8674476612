"""What Pay v3 refuses before it does anything: signatures, headers and fields."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from wechatpayv3.utils import build_authorization, rsa_sign

from infra.local.wechat_sandbox.server import SandboxServer

from .merchant import OPENID, Merchant, private_key

PATH = "/v3/pay/transactions/jsapi"
QUERY = "/v3/pay/transactions/out-trade-no/NOBODY-1?mchid="


def authorization(merchant: Merchant, path: str, body: str = "", **changes: str) -> str:
    """Sign a request as the merchant, with some fields changed before signing."""
    fields = {"stamp": str(int(time.time())), "mchid": merchant.secret["mchid"], "nonce": "n" * 32} | changes
    serial = changes.get("serial", merchant.secret["merchant_serial"])
    key = private_key(merchant.secret["merchant_private_key"])
    method = "POST" if body else "GET"
    sign = rsa_sign(key, f"{method}\n{path}\n{fields['stamp']}\n{fields['nonce']}\n{body}\n")
    return (
        f'WECHATPAY2-SHA256-RSA2048 mchid="{fields["mchid"]}",nonce_str="{fields["nonce"]}",'
        f'signature="{sign}",timestamp="{fields["stamp"]}",serial_no="{serial}"'
    )


def refused(merchant: Merchant, given: str) -> str:
    """Query with this Authorization and return the code of the answer."""
    answer = merchant.raw("GET", QUERY + merchant.secret["mchid"], authorization=given)
    assert answer.headers["Wechatpay-Signature"]
    return f"{answer.status} {answer.json()['code']}"


def test_a_right_authorization_reaches_the_query(merchant: Merchant) -> None:
    path = QUERY + merchant.secret["mchid"]
    assert refused(merchant, authorization(merchant, path)) == "404 ORDER_NOT_EXIST"


@pytest.mark.parametrize(
    "changes",
    [
        {"stamp": "yesterday"},
        {"mchid": "1900000000"},
        {"serial": "A" * 40},
        {"nonce": ""},
    ],
)
def test_wrong_authorization_fields(merchant: Merchant, changes: dict[str, str]) -> None:
    path = QUERY + merchant.secret["mchid"]
    assert refused(merchant, authorization(merchant, path, **changes)) == "401 SIGN_ERROR"


@pytest.mark.parametrize("seconds", [-400, 400])
def test_a_clock_five_minutes_off_is_refused(merchant: Merchant, seconds: int) -> None:
    stamp = str(int(time.time()) + seconds)
    path = QUERY + merchant.secret["mchid"]
    assert refused(merchant, authorization(merchant, path, stamp=stamp)) == "401 SIGN_ERROR"


def test_malformed_authorization(merchant: Merchant) -> None:
    right = authorization(merchant, QUERY + merchant.secret["mchid"])
    for wrong in (
        "none",
        right.replace("RSA2048", "SM3"),
        right.replace('nonce_str="', 'nonce="'),
        right + ',mchid="1"',
        right.replace(",", ";"),
        right.replace('signature="', 'signature="AAAA'),
        authorization(merchant, "/v3/another/path"),
    ):
        assert refused(merchant, wrong) == "401 SIGN_ERROR", wrong


def test_the_signed_body_is_the_body_sent(merchant: Merchant) -> None:
    merchant.sandbox.client.create_shopper(openid=OPENID)
    body = json.dumps(merchant.body())
    signed = authorization(merchant, PATH, body)
    assert merchant.raw("POST", PATH, body.replace("990", "991"), signed).status == 401
    assert merchant.raw("POST", PATH, body, signed).status == 200


def test_replayed_nonce_by_setting(sandbox: SandboxServer, merchant: Merchant) -> None:
    path = QUERY + merchant.secret["mchid"]
    given = authorization(merchant, path)
    assert [refused(merchant, given) for _ in range(2)] == ["404 ORDER_NOT_EXIST"] * 2
    sandbox.client.settings(refuse_replayed_nonce=True)
    assert [refused(merchant, given) for _ in range(2)] == ["404 ORDER_NOT_EXIST", "401 SIGN_ERROR"]


@pytest.mark.parametrize(
    "headers",
    [{"Accept": "text/html"}, {"Content_Type": "text/plain"}, {"Wechatpay_Serial": "PUB_KEY_ID_0"}],
)
def test_needed_headers(merchant: Merchant, headers: dict[str, str]) -> None:
    answer = merchant.raw("POST", PATH, merchant.body(), **headers)
    assert (answer.status, answer.json()["code"]) == (400, "PARAM_ERROR")


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("/appid", {"appid": None}),
        ("/mchid", {"mchid": 1600000000}),
        ("/description", {"description": "果" * 128}),
        ("/description", {"description": ""}),
        ("/out_trade_no", {"out_trade_no": "A1234"}),
        ("/out_trade_no", {"out_trade_no": "A" * 33}),
        ("/out_trade_no", {"out_trade_no": "订单123456"}),
        ("/out_trade_no", {"out_trade_no": "ORDER-1\n"}),
        ("/attach", {"attach": "a" * 129}),
        ("/time_expire", {"time_expire": "2026-01-01T10:00:00Z"}),
        ("/time_expire", {"time_expire": "2026-13-01T10:00:00+08:00"}),
        ("/notify_url", {"notify_url": "https://shop.example/notify?a=1"}),
        ("/notify_url", {"notify_url": "https://shop.example/notify?"}),
        ("/notify_url", {"notify_url": "http://shop.example/notify"}),
        ("/notify_url", {"notify_url": "ftp://127.0.0.1/notify"}),
        ("/notify_url", {"notify_url": "/notify"}),
        ("/notify_url", {"notify_url": "https://shop.example/" + "n" * 240}),
        ("/amount/total", {"amount": {"total": 0}}),
        ("/amount/total", {"amount": {"total": 9.9}}),
        ("/amount/total", {"amount": {"total": "990"}}),
        ("/amount/total", {"amount": {"total": True}}),
        ("/amount/currency", {"amount": {"total": 1, "currency": "USD"}}),
        ("/payer/openid", {"payer": {}}),
        ("/payer/openid", {"payer": {"openid": "oNobodyWeKnow"}}),
        ("/total_fee", {"total_fee": 1}),
    ],
)
def test_fields_of_prepay(merchant: Merchant, field: str, changes: dict[str, Any]) -> None:
    merchant.sandbox.client.create_shopper(openid=OPENID)
    answer = merchant.raw("POST", PATH, merchant.body(**changes))
    assert (answer.status, answer.json()["code"]) == (400, "PARAM_ERROR")
    assert answer.json()["detail"]["field"] == field
    assert merchant.sandbox.client.ledger()["payments"] == []


@pytest.mark.parametrize("number", ["A12345", "A" * 32, "a_-*|1"])
def test_legal_numbers_reach_every_call(merchant: Merchant, number: str) -> None:
    merchant.sandbox.client.create_shopper(openid=OPENID)
    assert merchant.raw("POST", PATH, merchant.body(out_trade_no=number)).status == 200
    path = f"/v3/pay/transactions/out-trade-no/{number}"
    encoded = path.replace("|", "%7C").replace("*", "%2A")
    assert merchant.raw("GET", f"{encoded}?mchid={merchant.secret['mchid']}").json()["out_trade_no"] == number
    assert merchant.raw("POST", f"{encoded}/close", {"mchid": merchant.secret["mchid"]}).status == 204


@pytest.mark.parametrize("change", [{"appid": "wx1"}, {"mchid": "1900000000"}])
def test_foreign_parties(merchant: Merchant, change: dict[str, str]) -> None:
    answer = merchant.raw("POST", PATH, merchant.body(**change))
    assert (answer.status, answer.json()["code"]) == (400, "APPID_MCHID_NOT_MATCH")


def test_openid_of_another_appid(merchant: Merchant) -> None:
    merchant.sandbox.client.create_shopper(openid=OPENID, appid="wxAnother")
    assert merchant.raw("POST", PATH, merchant.body()).json()["detail"]["field"] == "/payer/openid"


@pytest.mark.parametrize("body", ["{", "[]", '"x"', "\x00"])
def test_bodies_that_are_no_object(merchant: Merchant, body: str) -> None:
    assert merchant.raw("POST", PATH, body).status == 400


def test_query_needs_the_right_mchid(merchant: Merchant) -> None:
    merchant.prepay()
    path = "/v3/pay/transactions/out-trade-no/ORDER-1"
    for wrong in (path, f"{path}?mchid=1900000000"):
        assert merchant.raw("GET", wrong).json()["code"] == "PARAM_ERROR"
    answer = merchant.raw("POST", f"{path}/close", {"mchid": "1900000000"})
    assert answer.json()["code"] == "PARAM_ERROR"
    assert merchant.query()[1]["trade_state"] == "NOTPAY"


def test_unknown_paths_are_refused_with_a_signature(merchant: Merchant) -> None:
    answer = merchant.raw("GET", "/v3/pay/transactions/nothing/here")
    assert (answer.status, answer.json()["code"]) == (404, "NOT_FOUND")
    assert answer.headers["Wechatpay-Signature"]


def test_the_oracle_signs_as_we_do(merchant: Merchant) -> None:
    key = private_key(merchant.secret["merchant_private_key"])
    path = QUERY + merchant.secret["mchid"]
    given = build_authorization(path, "GET", merchant.secret["mchid"], merchant.secret["merchant_serial"], key)
    assert refused(merchant, given) == "404 ORDER_NOT_EXIST"
