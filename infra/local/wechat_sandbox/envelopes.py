"""What a notification looks like on the wire: encrypted, signed, and spoilt in the way that a fault asks for."""

from __future__ import annotations

import copy
import json
from typing import Any

from . import crypto, signing
from .faults import Call, Fault, Planned
from .notices import Notice
from .world import World, rfc3339

# The faults that change a message; the first that strikes wins.
SPOILERS = (
    Fault.NOTICE_FORGED, Fault.NOTICE_TAMPERED, Fault.NOTICE_UNKNOWN_SERIAL, Fault.NOTICE_WRONG_API_KEY,
    Fault.NOTICE_AGED, Fault.NOTICE_HEADERS, Fault.NOTICE_WRONG_AMOUNT, Fault.NOTICE_WRONG_MCHID,
    Fault.NOTICE_WRONG_APPID, Fault.NOTICE_WRONG_TRADE_NO,
)  # fmt: skip


def compose(world: World, notice: Notice, spoiler: Planned | None, turn: int) -> tuple[dict[str, str], bytes]:
    """Return headers and body of one attempt; a signature's time is real time, whatever the virtual clock says."""
    fault = spoiler.fault if spoiler else None
    content = _plant(notice.content, notice.kind, fault)
    body = _body(world, notice, content, fault)
    headers = _sign(world, body, spoiler, turn)
    if fault is Fault.NOTICE_TAMPERED:
        body = body.replace(notice.id.encode(), b"EV-" + crypto.random_text(32, "0123456789").encode())
    return {"Content-Type": "application/json", "User-Agent": "Mozilla/4.0"} | headers, body


def probe(headers: dict[str, str]) -> dict[str, str]:
    """Return the headers with a signature that must fail verification."""
    return headers | {"Wechatpay-Signature": signing.PROBE + headers["Wechatpay-Signature"]}


def _plant(content: dict[str, Any], kind: Call, fault: Fault | None) -> dict[str, Any]:
    planted = copy.deepcopy(content)
    if fault is Fault.NOTICE_WRONG_AMOUNT:
        planted["amount"]["total" if kind is Call.PAYMENT_NOTICE else "refund"] += 1
    elif fault is Fault.NOTICE_WRONG_MCHID:
        planted["mchid"] = "1900000000"
    elif fault is Fault.NOTICE_WRONG_APPID:
        planted["appid"] = "wx0000000000000000"
    elif fault is Fault.NOTICE_WRONG_TRADE_NO:
        planted["out_trade_no"] = "NOBODY" + crypto.random_text(16)
    return planted


def _body(world: World, notice: Notice, content: dict[str, Any], fault: Fault | None) -> bytes:
    original = "transaction" if notice.kind is Call.PAYMENT_NOTICE else "refund"
    api_key = crypto.random_text(32) if fault is Fault.NOTICE_WRONG_API_KEY else world.config.api_v3_key
    nonce = crypto.random_text(12)
    plaintext = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    envelope = {
        "id": notice.id,
        "create_time": rfc3339(notice.created_at),
        "resource_type": "encrypt-resource",
        "event_type": notice.event_type,
        "summary": notice.summary,
        "resource": {
            "original_type": original,
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": crypto.seal(api_key, plaintext, nonce, original),
            "associated_data": original,
            "nonce": nonce,
        },
    }
    return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()


def _sign(world: World, body: bytes, spoiler: Planned | None, turn: int) -> dict[str, str]:
    fault = spoiler.fault if spoiler else None
    signer, moment = signing.notice_signer(world, turn), world.clock.real()
    if spoiler and fault is Fault.NOTICE_AGED:
        moment -= spoiler.number(600)
    if fault is Fault.NOTICE_FORGED:
        signer = signer.forged()
    if fault is Fault.NOTICE_UNKNOWN_SERIAL:
        signer = signing.Signer(crypto.random_text(40, "123456789ABCDEF"), signing.stranger())
    headers = signer.headers(body, moment)
    if spoiler and fault is Fault.NOTICE_HEADERS:
        change = str.upper if spoiler.value == "upper" else str.lower
        headers = {change(name): value for name, value in headers.items()}
    return headers
