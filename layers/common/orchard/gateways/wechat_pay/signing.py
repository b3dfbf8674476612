"""Signatures both ways: WECHATPAY2-SHA256-RSA2048, that is RSA PKCS#1 v1.5 over SHA-256.

We sign method, target, timestamp, nonce and body, each ended by a line feed; the platform signs timestamp, nonce and
the raw bytes of the body.
"""

import base64
import binascii
import logging
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from orchard.core import clock
from orchard.gateways.errors import ConfigurationError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

logger = logging.getLogger(__name__)

SCHEME = "WECHATPAY2-SHA256-RSA2048"
_FRESH = timedelta(minutes=5)
_RELOAD_APART = timedelta(seconds=60)
_LEAST_KEY_BITS = 2048
_TIMESTAMP = re.compile(r"[0-9]{1,11}")
_TOKEN = re.compile(r"[\x21-\x7e]{1,128}")
_SIGNATURE = re.compile(r"[A-Za-z0-9+/]{4,2048}={0,2}")

ReloadKeys = Callable[[], Mapping[str, str]]


class Unverified(Exception):
    """A signature that does not hold; the text says why, in a few words fit for the log."""


@dataclass(frozen=True, slots=True)
class Signed:
    """The signature headers of an answer or a callback."""

    timestamp: str
    nonce: str
    serial: str
    signature: str


class MerchantSigner:
    """Signs as the merchant. Raises ConfigurationError for a key that is not RSA of 2048 bits or more in PEM."""

    def __init__(self, private_key_pem: str) -> None:
        self._key = _private_key(private_key_pem)

    def sign(self, *parts: bytes) -> str:
        """The base64 signature over the parts, each ended by a line feed."""
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        signature = self._key.sign(b"".join(part + b"\n" for part in parts), PKCS1v15(), SHA256())
        return base64.b64encode(signature).decode()

    def authorization(self, merchant_id: str, serial: str, method: str, target: str, body: bytes) -> str:
        """The Authorization header for one request; a new nonce each time."""
        timestamp, nonce = timestamp_now(), new_nonce()
        signature = self.sign(method.encode(), target.encode(), timestamp.encode(), nonce.encode(), body)
        return (
            f'{SCHEME} mchid="{merchant_id}",nonce_str="{nonce}",signature="{signature}",'
            f'timestamp="{timestamp}",serial_no="{serial}"'
        )


class PlatformKeys:
    """The platform's public keys by serial. An unknown serial asks `reload` for the current set, once a minute at
    most, so that forged serials cannot be turned into a stream of calls to the secret store.
    """

    def __init__(self, pems: Mapping[str, str], reload: ReloadKeys | None = None) -> None:
        if not pems:
            raise ConfigurationError("WeChat Pay platform_public_keys is empty")
        self._keys = _public_keys(pems)
        self._reload = reload
        self._reloaded_at: datetime | None = None

    def encryption_serial(self) -> str | None:
        """The serial that public-key mode announces with each request; None in certificate mode."""
        return next((serial for serial in self._keys if serial.startswith("PUB_KEY_ID_")), None)

    def verify(self, signed: Signed, body: bytes, now: datetime) -> None:
        """Check serial, freshness (5 minutes either way) and signature over the raw body. Raises Unverified."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        key = self._find(signed.serial, now)
        if abs(now.timestamp() - int(signed.timestamp)) > _FRESH.total_seconds():
            raise Unverified("not fresh")
        message = b"\n".join((signed.timestamp.encode(), signed.nonce.encode(), body, b""))
        try:
            key.verify(_decoded(signed.signature), message, PKCS1v15(), SHA256())
        except InvalidSignature:
            raise Unverified("wrong signature") from None

    def _find(self, serial: str, now: datetime) -> "RSAPublicKey":
        if serial not in self._keys:
            self._load_again(now)
        if serial not in self._keys:
            raise Unverified("unknown serial")
        return self._keys[serial]

    def _load_again(self, now: datetime) -> None:
        too_soon = self._reloaded_at is not None and abs(now - self._reloaded_at) < _RELOAD_APART
        if self._reload is None or too_soon:
            return
        self._reloaded_at = now
        try:
            self._keys = _public_keys(self._reload())
        except Exception as error:
            # The answer at hand may be that of a call that succeeded: a broken secret store must not hide it.
            logger.error("wechat pay: platform keys could not be reloaded: %s", type(error).__name__)


def signed_headers(headers: Iterable[tuple[str, str]]) -> Signed:
    """The signature headers, whatever their case. Raises Unverified if one is missing, doubled or malformed."""
    found: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        if key.startswith("wechatpay-") and found.setdefault(key, value) != value:
            raise Unverified(f"header {key} is ambiguous")
    if found.get("wechatpay-signature-type", SCHEME) != SCHEME:
        raise Unverified("another signature type")
    return Signed(
        timestamp=_header(found, "wechatpay-timestamp", _TIMESTAMP),
        nonce=_header(found, "wechatpay-nonce", _TOKEN),
        serial=_header(found, "wechatpay-serial", _TOKEN),
        signature=_header(found, "wechatpay-signature", _SIGNATURE),
    )


def timestamp_now() -> str:
    """Seconds since the epoch, as the string that the platform and the mini-program want."""
    return str(int(clock.utc_now().timestamp()))


def new_nonce() -> str:
    """32 random hexadecimal characters."""
    return secrets.token_hex(16)


def _header(found: Mapping[str, str], name: str, shape: re.Pattern[str]) -> str:
    value = found.get(name)
    if value is None:
        raise Unverified(f"header {name} is missing")
    if not shape.fullmatch(value):
        raise Unverified(f"header {name} is malformed")
    return value


def _decoded(signature: str) -> bytes:
    try:
        decoded = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        raise Unverified("signature is not base64") from None
    # One signature has one spelling: the spare bits of the last character must be zero.
    if base64.b64encode(decoded).decode() != signature:
        raise Unverified("signature is not canonical base64")
    return decoded


def _private_key(pem: str) -> "RSAPrivateKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey) or key.key_size < _LEAST_KEY_BITS:
        raise ConfigurationError("WeChat Pay merchant_private_key is not an unencrypted RSA key of 2048 bits in PEM")
    return key


def _public_keys(pems: Mapping[str, str]) -> "dict[str, RSAPublicKey]":
    return {serial: _public_key(serial, pem) for serial, pem in pems.items()}


def _public_key(serial: str, pem: str) -> "RSAPublicKey":
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    data = pem.encode()
    try:
        is_certificate = b"BEGIN CERTIFICATE" in data
        key = x509.load_pem_x509_certificate(data).public_key() if is_certificate else load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigurationError(f"WeChat Pay platform key {serial} is not a PEM public key or certificate") from None
    if not isinstance(key, RSAPublicKey) or key.key_size < _LEAST_KEY_BITS:
        raise ConfigurationError(f"WeChat Pay platform key {serial} is not an RSA key of 2048 bits")
    return key
