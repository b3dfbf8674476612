"""Opening notifications: everything genuine opens, everything else is one typed refusal."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wechatpayv3 import WeChatPay, WeChatPayType

from orchard.gateways.wechat_pay import (
    InvalidNotification,
    PlatformKeys,
    as_refund,
    as_transaction,
    open_notification,
)
from tests.unit.gateways.pay_platform import (
    API_V3_KEY,
    APP_ID,
    MERCHANT_ID,
    MERCHANT_SERIAL,
    NOW,
    PUBLIC_SERIAL,
    Platform,
    envelope,
    private_pem,
    public_pem,
    sealed,
)

PAID = {
    "appid": APP_ID,
    "mchid": MERCHANT_ID,
    "out_trade_no": "20260301ABCDEF",
    "transaction_id": "4200000001",
    "trade_type": "JSAPI",
    "trade_state": "SUCCESS",
    "trade_state_desc": "支付成功",
    "bank_type": "OTHERS",
    "attach": "",
    "success_time": "2026-03-01T11:59:59+08:00",
    "payer": {"openid": "oShopper"},
    "amount": {"total": 1999, "payer_total": 1899, "currency": "CNY", "payer_currency": "CNY"},
    "new_field": [1],
}
REFUNDED = {
    "mchid": MERCHANT_ID,
    "out_trade_no": "20260301ABCDEF",
    "transaction_id": "4200000001",
    "out_refund_no": "R20260301",
    "refund_id": "5030000001",
    "refund_status": "SUCCESS",
    "success_time": "2026-03-01T12:00:00+08:00",
    "user_received_account": "招商银行信用卡0403",
    "amount": {"total": 1999, "refund": 999, "payer_total": 1899, "payer_refund": 899},
}


def raw(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def opened(platform: Platform, body: bytes, headers: dict[str, str] | None = None, age: int = 0) -> Any:
    headers = headers if headers is not None else platform.signed(body, NOW)
    keys = PlatformKeys(platform.public_keys())
    return open_notification(headers, body, keys, API_V3_KEY, NOW + timedelta(seconds=age))


def refused(platform: Platform, body: bytes, headers: dict[str, str] | None = None, age: int = 0) -> str:
    with pytest.raises(InvalidNotification) as caught:
        opened(platform, body, headers, age)
    assert (caught.value.status, caught.value.code, dict(caught.value.details)) == (401, "invalid_notification", {})
    return caught.value.reason


def test_opens_a_payment(platform: Platform) -> None:
    notification = opened(platform, raw(envelope(PAID)))
    assert (notification.id, notification.event_type) == ("EV-2026030112000000000001", "TRANSACTION.SUCCESS")
    assert (notification.original_type, notification.create_time) == ("transaction", NOW)
    assert notification.resource == PAID
    found = as_transaction(notification.resource)
    assert (found.out_trade_no, found.amount.total, found.payer.openid) == ("20260301ABCDEF", 1999, "oShopper")
    assert found.was_paid
    assert found.attach is None
    assert "oShopper" not in repr(notification) + repr(found)


def test_opens_a_refund_whose_state_has_another_name(platform: Platform) -> None:
    found = as_refund(opened(platform, raw(envelope(REFUNDED))).resource)
    assert (found.status, found.amount.refund, found.out_refund_no) == ("SUCCESS", 999, "R20260301")
    assert "招商" not in repr(found)
    # The API's own spelling is not a notification's.
    with pytest.raises(InvalidNotification, match="refund_status"):
        as_refund({**{k: v for k, v in REFUNDED.items() if k != "refund_status"}, "status": "SUCCESS"})


def test_published_gcm_vector(platform: Platform) -> None:
    body = raw(envelope({}, resource__ciphertext="4ouPXy+m9znPJ1TFkXnB9wpEnCrETMv3wDZmUC8b"))
    assert opened(platform, body).resource == {"hello": "wx"}


@pytest.mark.parametrize("mode", [PUBLIC_SERIAL, "certificate"])
@pytest.mark.parametrize("spell", [str, str.lower, str.upper], ids=["as is", "lower", "upper"])
def test_header_case_and_both_serials(platform: Platform, mode: str, spell: Any) -> None:
    serial = PUBLIC_SERIAL if mode == PUBLIC_SERIAL else platform.certificate_serial
    body = raw(envelope(PAID))
    headers = {spell(name): value for name, value in platform.signed(body, NOW, serial).items()}
    assert opened(platform, body, headers).resource == PAID


def test_the_oracle_opens_the_same(platform: Platform) -> None:
    body = raw(envelope(PAID))
    headers = platform.signed(body, NOW)
    judge = WeChatPay(
        WeChatPayType.MINIPROG,
        MERCHANT_ID,
        private_pem(platform.merchant),
        MERCHANT_SERIAL,
        APP_ID,
        API_V3_KEY,
        public_key=public_pem(platform.public),
        public_key_id=PUBLIC_SERIAL,
    )
    assert judge.callback(headers, body)["resource"] == opened(platform, body, headers).resource


@pytest.mark.parametrize(("age", "fresh"), [(-301, False), (-300, True), (300, True), (301, False), (864000, False)])
def test_freshness_is_five_minutes_either_way(platform: Platform, age: int, fresh: bool) -> None:
    body = raw(envelope(PAID))
    if fresh:
        assert opened(platform, body, age=age).resource == PAID
    else:
        assert refused(platform, body, age=age) == "not fresh"


HEADERS = ["Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Serial", "Wechatpay-Signature"]


@settings(max_examples=250, deadline=None)
@given(name=st.sampled_from(HEADERS), where=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_any_flipped_bit_in_a_header_is_refused(platform: Platform, name: str, where: int, bit: int) -> None:
    body = raw(envelope(PAID))
    headers = platform.signed(body, NOW)
    value = bytearray(headers[name].encode())
    value[where % len(value)] ^= 1 << bit
    refused(platform, body, headers | {name: value.decode("latin-1")})


@settings(max_examples=250, deadline=None)
@given(where=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_any_flipped_bit_in_the_body_is_refused(platform: Platform, where: int, bit: int) -> None:
    body = raw(envelope(PAID))
    changed = bytearray(body)
    changed[where % len(changed)] ^= 1 << bit
    assert refused(platform, bytes(changed), platform.signed(body, NOW)) == "wrong signature"


@settings(max_examples=200, deadline=None)
@given(where=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_any_flipped_bit_in_the_ciphertext_is_refused(platform: Platform, where: int, bit: int) -> None:
    body = envelope(PAID)
    text = bytearray(body["resource"]["ciphertext"].encode())
    text[where % len(text)] ^= 1 << bit
    body["resource"]["ciphertext"] = text.decode("latin-1")
    assert refused(platform, raw(body)).startswith("resource")


@settings(max_examples=200, deadline=None)
@given(extra=st.sampled_from([*"\n\r\t \x00=+/A0١", "\n{}"]), name=st.sampled_from(HEADERS), front=st.booleans())
def test_nothing_may_be_added_to_a_header(platform: Platform, extra: str, name: str, front: bool) -> None:
    body = raw(envelope(PAID))
    headers = platform.signed(body, NOW)
    headers[name] = extra + headers[name] if front else headers[name] + extra
    refused(platform, body, headers)


def test_one_signature_has_one_spelling(platform: Platform) -> None:
    """256 bytes leave four bits of the last base64 character unused; setting one would decode to the same bytes."""
    body = raw(envelope(PAID))
    headers = platform.signed(body, NOW)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    good = headers["Wechatpay-Signature"]
    assert good.endswith("==")
    other = good[:-3] + alphabet[alphabet.index(good[-3]) ^ 1] + "=="
    assert base64.b64decode(other) == base64.b64decode(good)
    assert refused(platform, body, headers | {"Wechatpay-Signature": other}) == "signature is not canonical base64"


def test_bytes_cannot_move_between_nonce_and_body(platform: Platform) -> None:
    """`nonce\\nbody` can be cut at another line feed; the cut must not verify."""
    body = b"first\n" + raw(envelope(PAID))
    headers = platform.signed(body, NOW)
    moved = headers | {"Wechatpay-Nonce": headers["Wechatpay-Nonce"] + "\nfirst"}
    assert refused(platform, raw(envelope(PAID)), moved) == "header wechatpay-nonce is malformed"


@pytest.mark.parametrize("name", HEADERS)
def test_missing_header_is_refused(platform: Platform, name: str) -> None:
    body = raw(envelope(PAID))
    headers = {k: v for k, v in platform.signed(body, NOW).items() if k != name}
    assert refused(platform, body, headers) == f"header {name.lower()} is missing"


def test_doubled_header_is_refused(platform: Platform) -> None:
    body = raw(envelope(PAID))
    headers = platform.signed(body, NOW) | {"wechatpay-serial": "another"}
    assert refused(platform, body, headers) == "header wechatpay-serial is ambiguous"


def test_probe_other_scheme_and_stranger_are_refused(platform: Platform) -> None:
    body = raw(envelope(PAID))
    good = platform.signed(body, NOW)
    probe = {"Wechatpay-Signature": "WECHATPAY/SIGNTEST/" + good["Wechatpay-Signature"][19:]}
    refused(platform, body, good | probe)
    assert refused(platform, body, good | {"Wechatpay-Signature-Type": "WECHATPAY2-SM2-WITH-SM3"}) == (
        "another signature type"
    )
    assert refused(platform, body, platform.signed(body, NOW, key=platform.merchant)) == "wrong signature"
    assert refused(platform, body, good | {"Wechatpay-Serial": "FFFF"}) == "unknown serial"


DEEP = b'{"a":' * 20_000 + b"1" + b"}" * 20_000


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "body is not JSON"),
        (b"not json", "body is not JSON"),
        (b"\xff\xfe", "body is not JSON"),
        ('{"id":1}'.encode("utf-16"), "body is not JSON"),
        (b'{"a":NaN}', "body is not JSON"),
        (b"[]", "body is not"),
        (b"[" * 60_000, "body is not JSON"),
        (b" " * (64 * 1024 + 1), "body too large"),
        (b"{}", "body lacks or garbles"),
        (raw(envelope(PAID, resource_type="plain")), "body lacks or garbles resource_type"),
        (raw(envelope(PAID, create_time="2026-03-01T12:00:00")), "body lacks or garbles create_time"),
        (raw(envelope(PAID, id="")), "body lacks or garbles id"),
        (raw(envelope(PAID, resource__algorithm="AES")), "body lacks or garbles resource.algorithm"),
        (raw(envelope(PAID, resource__nonce="short")), "resource nonce is not 12 bytes long"),
        (raw(envelope(PAID, resource__nonce="x" * 64)), "resource nonce is not 12 bytes long"),
        (raw(envelope(PAID, resource__associated_data="refund")), "resource does not decrypt"),
        (raw(envelope(PAID, resource__ciphertext=sealed(PAID, key="x" * 32))), "resource does not decrypt"),
        (raw(envelope(PAID, resource__ciphertext="!" * 40)), "resource is not base64"),
        (raw(envelope([1])), "resource is not a JSON object"),
        (raw(envelope(b"\xff")), "resource is not JSON"),
        (raw(envelope(b"[" * 20_000)), "resource is not JSON"),
    ],
)
def test_signed_but_unusable_is_refused(platform: Platform, body: bytes, reason: str) -> None:
    assert refused(platform, body).startswith(reason)


def test_deeply_nested_json_is_no_crash(platform: Platform) -> None:
    deep = DEEP[:60_000]
    assert refused(platform, deep) == "body is not JSON"


def test_empty_associated_data_is_legal(platform: Platform) -> None:
    body = envelope(PAID, resource__ciphertext=sealed(PAID, aad=""), resource__associated_data="")
    assert opened(platform, raw(body)).resource == PAID
    del body["resource"]["associated_data"]
    assert opened(platform, raw(body)).resource == PAID


@pytest.mark.parametrize(
    "broken",
    [
        {"amount": {"total": "1999"}},
        {"amount": {"total": 19.99}},
        {"amount": {}},
        {"transaction_id": ""},
        {"out_trade_no": None},
        {"success_time": "yesterday"},
        {"trade_state": ""},
    ],
)
def test_unbelievable_transactions_are_refused_without_showing_them(broken: dict[str, Any]) -> None:
    with pytest.raises(InvalidNotification) as caught:
        as_transaction(PAID | broken)
    assert "oShopper" not in caught.value.reason
    assert caught.value.__cause__ is None


def test_an_unpaid_transaction_needs_no_amount() -> None:
    found = as_transaction(
        {**PAID, "trade_state": "CLOSED", "amount": {}, "payer": {}, "transaction_id": "", "success_time": ""}
    )
    assert (found.is_closed, found.was_paid, found.amount.total, found.success_time) == (True, False, None, None)
