"""Opening a WeChat Pay notification: nothing in it is believed before its signature holds.

Order of work: size, headers, serial, freshness, signature over the raw bytes, JSON, AES-256-GCM, JSON again.
The platform's signature probes (WECHATPAY/SIGNTEST/...) simply fail to verify, as they must.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from orchard.gateways.errors import InvalidNotification
from orchard.gateways.wechat_pay.models import RefundResult, Transaction
from orchard.gateways.wechat_pay.signing import PlatformKeys, Unverified, signed_headers

# Real ones are below 4 KiB.
_MAX_BODY_BYTES = 64 * 1024
_NONCE_BYTES = 12
M = TypeVar("M", bound=BaseModel)


class Notification(BaseModel):
    """A verified, decrypted notification. The same `id` may come again, and an older state after a newer one."""

    model_config = ConfigDict(frozen=True)

    id: str
    event_type: str
    original_type: str
    resource: dict[str, Any] = Field(repr=False)
    create_time: datetime


class _Encrypted(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    original_type: str = Field(max_length=32)
    algorithm: Literal["AEAD_AES_256_GCM"]
    ciphertext: str = Field(min_length=24, repr=False)
    nonce: str
    associated_data: str | None = None


class _Envelope(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    id: str = Field(min_length=1, max_length=64)
    create_time: AwareDatetime
    resource_type: Literal["encrypt-resource"]
    event_type: str = Field(min_length=1, max_length=64)
    resource: _Encrypted


def open_notification(
    headers: Mapping[str, str], raw_body: bytes, keys: PlatformKeys, api_v3_key: str, now: datetime
) -> Notification:
    """Verify and decrypt one callback. `raw_body` is the bytes as received; `now` is aware.

    Raises InvalidNotification (401) for whatever is wrong; its `reason` is for the log.
    """
    if len(raw_body) > _MAX_BODY_BYTES:
        raise InvalidNotification("body too large")
    try:
        keys.verify(signed_headers(headers.items()), raw_body, now)
    except Unverified as error:
        raise InvalidNotification(str(error)) from None
    envelope = _validated(_Envelope, _object(raw_body, "body"), "body")
    return Notification(
        id=envelope.id,
        event_type=envelope.event_type,
        original_type=envelope.resource.original_type,
        resource=_object(_decrypted(envelope.resource, api_v3_key), "resource"),
        create_time=envelope.create_time,
    )


def as_transaction(resource: Mapping[str, Any]) -> Transaction:
    """The resource of a TRANSACTION.* notification. Raises InvalidNotification if it is not one."""
    return _validated(Transaction, resource, "transaction")


def as_refund(resource: Mapping[str, Any]) -> RefundResult:
    """The resource of a REFUND.* notification. Raises InvalidNotification if it is not one."""
    return _validated(RefundResult, resource, "refund")


def _object(raw: bytes, what: str) -> dict[str, Any]:
    try:
        parsed = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise InvalidNotification(f"{what} is not JSON") from None
    if not isinstance(parsed, dict):
        raise InvalidNotification(f"{what} is not a JSON object")
    return parsed


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _decrypted(resource: _Encrypted, api_v3_key: str) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = resource.nonce.encode()
    if len(nonce) != _NONCE_BYTES:
        raise InvalidNotification("resource nonce is not 12 bytes long")
    try:
        ciphertext = base64.b64decode(resource.ciphertext, validate=True)
        return AESGCM(api_v3_key.encode()).decrypt(nonce, ciphertext, (resource.associated_data or "").encode())
    except (binascii.Error, ValueError):
        raise InvalidNotification("resource is not base64 of a ciphertext") from None
    except InvalidTag:
        raise InvalidNotification("resource does not decrypt with our API v3 key") from None


def _validated(model: type[M], values: Mapping[str, Any], what: str) -> M:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, e["loc"])) for e in error.errors(include_input=False))
        raise InvalidNotification(f"{what} lacks or garbles {fields or 'a field'}") from None
