"""Request and response bodies: size checked before parsing, JSON parsed without a way to crash the parser."""

import base64
import binascii
import json
import re
from typing import Any

from orchard.core.errors import AppError, InvalidInput, PayloadTooLarge

# No request of a shopper comes near this; the gateway's own limit is far higher.
MAX_BODY_BYTES = 256 * 1024
_MAX_DEPTH = 32
_JSON = "application/json"
_HALF_CHARACTER = re.compile(r"\\u[dD]|[\ud800-\udfff]")


class UnsupportedMediaType(AppError):
    """The body is not declared as JSON."""

    code = "unsupported_media_type"
    status = 415
    message = "请使用 JSON 提交"


def in_plain_text(event: dict[str, Any]) -> dict[str, Any]:
    """The event with its body as text, checked before anything parses it.

    Raises PayloadTooLarge, UnsupportedMediaType, or InvalidInput for what is not UTF-8 or not base64.
    """
    body = event.get("body") or ""
    if len(body) > (MAX_BODY_BYTES * 4 // 3 + 4 if event.get("isBase64Encoded") else MAX_BODY_BYTES):
        raise PayloadTooLarge
    headers = event.get("headers", {})
    if body and headers.get("content-type", _JSON).partition(";")[0].strip().lower() != _JSON:
        raise UnsupportedMediaType
    # The resolver knows one spelling only.
    readable = {**event, "headers": {**headers, "content-type": _JSON}}
    return {**readable, "body": _decoded(body), "isBase64Encoded": False} if event.get("isBase64Encoded") else readable


def _decoded(body: str) -> str:
    try:
        return base64.b64decode(body, validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidInput("请求内容不是有效的 JSON", field="body") from None


def parse_json(body: str | bytes) -> Any:
    """One JSON document without NaN, Infinity, duplicate names, abysmal nesting, absurd numbers or half characters.

    Raises InvalidInput for everything that is not such a document.
    """
    text = body.decode("utf-8", "strict") if isinstance(body, bytes) else body
    _check_depth(text)
    try:
        document = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique_names)
        if _HALF_CHARACTER.search(text):
            # An unpaired surrogate, even in a name, could be neither stored nor sent back.
            dump_json(document).encode()
        return document
    except (ValueError, RecursionError):
        raise InvalidInput("请求内容不是有效的 JSON", field="body") from None


def dump_json(value: Any) -> str:
    """Compact JSON, as stored and as sent."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _check_depth(text: str) -> None:
    # A cheap upper bound: brackets inside strings count too, which no honest request reaches.
    if text.count("[") + text.count("{") > _MAX_DEPTH and _depth(text) > _MAX_DEPTH:
        raise InvalidInput("请求内容嵌套过深", field="body")


def _depth(text: str) -> int:
    deepest = depth = 0
    in_string = escaped = False
    for character in text:
        if in_string:
            in_string = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("duplicate name")
    return names
