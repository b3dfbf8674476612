"""Our signatures against an independent implementation, in both directions."""

import re
from collections.abc import Mapping
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from wechatpayv3 import utils as oracle

from orchard.core import clock
from orchard.gateways.errors import ConfigurationError
from orchard.gateways.wechat_pay import MerchantKeys, PlatformKeys, WeChatPayClient
from orchard.gateways.wechat_pay.signing import MerchantSigner, Unverified, signed_headers
from tests.unit.gateways.pay_platform import (
    APP_ID,
    MERCHANT_ID,
    MERCHANT_SERIAL,
    NOW,
    PUBLIC_SERIAL,
    Platform,
    private_pem,
    public_pem,
)


def test_authorization_verifies_under_the_oracle(platform: Platform) -> None:
    signer = MerchantSigner(private_pem(platform.merchant))
    body = '{"description":"苹果"}'.encode()
    header = signer.authorization(MERCHANT_ID, MERCHANT_SERIAL, "POST", "/v3/pay/transactions/jsapi", body)
    scheme, _, rest = header.partition(" ")
    fields = dict(re.findall(r'([a-z_]+)="([^"]*)"', rest))

    assert scheme == "WECHATPAY2-SHA256-RSA2048"
    assert fields.keys() == {"mchid", "nonce_str", "signature", "timestamp", "serial_no"}
    assert (fields["mchid"], fields["serial_no"]) == (MERCHANT_ID, MERCHANT_SERIAL)
    # The oracle joins three parts with line feeds, so method and target go in front of the first.
    first = f"POST\n/v3/pay/transactions/jsapi\n{fields['timestamp']}"
    assert oracle.rsa_verify(
        first, fields["nonce_str"], body.decode(), fields["signature"], platform.merchant.public_key()
    )


def test_payment_parameters_equal_the_oracles(platform: Platform) -> None:
    client = WeChatPayClient(platform.keys())
    parameters = client.request_payment_parameters("wx201410272009395522657a690389285100")
    text = "\n".join([APP_ID, parameters["timeStamp"], parameters["nonceStr"], parameters["package"], ""])

    assert parameters.keys() == {"timeStamp", "nonceStr", "package", "signType", "paySign"}
    assert parameters["package"] == "prepay_id=wx201410272009395522657a690389285100"
    assert parameters["signType"] == "RSA"
    assert parameters["timeStamp"].isdigit()
    # PKCS#1 v1.5 has no randomness: both implementations must give the very same text.
    assert parameters["paySign"] == oracle.rsa_sign(platform.merchant, text)


@pytest.mark.parametrize("prepay_id", ["", "wx1\nwx2", "wx 1", "x" * 65])
def test_payment_parameters_refuse_what_is_no_prepay_id(platform: Platform, prepay_id: str) -> None:
    with pytest.raises(ValueError, match="not a prepay_id"):
        WeChatPayClient(platform.keys()).request_payment_parameters(prepay_id)


def ec_pem() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    "make",
    [
        lambda: "",
        lambda: "  ",
        lambda: "not a key",
        ec_pem,
        lambda: private_pem(rsa.generate_private_key(65537, 1024)),  # noqa: S505 - refused
        lambda: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
    ],
)
def test_unusable_private_key_is_refused_at_construction(platform: Platform, make: object) -> None:
    pem = make()  # type: ignore[operator]  # a parametrised factory
    with pytest.raises(ConfigurationError, match="merchant_private_key") as caught:
        WeChatPayClient(platform.keys(merchant_private_key=pem))
    assert not pem.strip() or pem not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("merchant_id", ""),
        ("app_id", " "),
        ("merchant_serial", ""),
        ("api_v3_key", "short"),
        ("api_v3_key", "é" * 32),
        ("platform_public_keys", {}),
    ],
)
def test_missing_settings_are_named(platform: Platform, field: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=field):
        platform.keys(**{field: value})


def test_garbled_platform_key_is_refused_at_construction(platform: Platform) -> None:
    with pytest.raises(ConfigurationError, match="platform key SERIAL1"):
        WeChatPayClient(platform.keys(platform_public_keys={"SERIAL1": "garbage"}))


def test_secrets_stay_out_of_repr(platform: Platform) -> None:
    keys = platform.keys()
    shown = repr(keys) + repr(WeChatPayClient(keys)) + str(keys)
    assert keys.api_v3_key not in shown
    assert keys.merchant_private_key.splitlines()[1] not in shown


def verify(keys: PlatformKeys, headers: Mapping[str, str], body: bytes) -> None:
    keys.verify(signed_headers(headers.items()), body, NOW)


def test_both_kinds_of_serial_verify_while_migrating(platform: Platform) -> None:
    keys = PlatformKeys(platform.public_keys())
    for serial in (PUBLIC_SERIAL, platform.certificate_serial):
        verify(keys, platform.signed(b"{}", NOW, serial), b"{}")
    crossed = platform.signed(b"{}", NOW, PUBLIC_SERIAL, key=platform.certified)
    with pytest.raises(Unverified, match="wrong signature"):
        verify(keys, crossed, b"{}")


def test_unknown_serial_reloads_once_a_minute(platform: Platform) -> None:
    newcomer = rsa.generate_private_key(65537, 2048)
    reloads: list[int] = []
    current = dict(platform.public_keys())

    def reload() -> dict[str, str]:
        reloads.append(1)
        return current

    keys = PlatformKeys(platform.public_keys(), reload)
    headers = platform.signed(b"", NOW, "PUB_KEY_ID_NEW", newcomer)
    for _ in range(3):
        with pytest.raises(Unverified, match="unknown serial"):
            verify(keys, headers, b"")
    assert len(reloads) == 1

    current["PUB_KEY_ID_NEW"] = public_pem(newcomer)
    later = NOW + timedelta(seconds=61)
    keys.verify(signed_headers(platform.signed(b"", later, "PUB_KEY_ID_NEW", newcomer).items()), b"", later)
    assert len(reloads) == 2


def test_broken_reload_is_a_refusal_and_keeps_the_old_keys(platform: Platform) -> None:
    def reload() -> dict[str, str]:
        raise OSError("secret store is down")

    keys = PlatformKeys(platform.public_keys(), reload)
    with pytest.raises(Unverified, match="unknown serial"):
        verify(keys, platform.signed(b"", NOW, "PUB_KEY_ID_NEW", platform.public), b"")
    verify(keys, platform.signed(b"", NOW), b"")


def test_clock_skew_reaches_the_signed_timestamp(platform: Platform) -> None:
    signer = MerchantSigner(private_pem(platform.merchant))
    with clock.shifted(3600):
        ahead = signer.authorization(MERCHANT_ID, MERCHANT_SERIAL, "GET", "/", b"")
    found = re.search(r'timestamp="(\d+)"', ahead)
    assert found is not None
    assert abs(int(found[1]) - clock.utc_now().timestamp() - 3600) < 60


def test_keys_are_a_plain_frozen_record(platform: Platform) -> None:
    keys = platform.keys()
    assert isinstance(keys, MerchantKeys)
    with pytest.raises(AttributeError):
        keys.merchant_id = "other"  # type: ignore[misc]  # that it is refused is the point
