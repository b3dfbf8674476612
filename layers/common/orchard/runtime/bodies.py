"""Request and response bodies: size checked before parsing, JSON parsed without a way to crash the parser."""

import json
from typing import Any

from orchard.core.errors import InvalidInput, PayloadTooLarge

# No request of a shopper comes near this; the gateway's own limit is far higher.
MAX_BODY_BYTES = 256 * 1024
_MAX_DEPTH = 32


def check_size(event: dict[str, Any]) -> None:
    """Refuse an oversized body before anything decodes or parses it. Raises PayloadTooLarge."""
    limit = MAX_BODY_BYTES * 4 // 3 + 4 if event.get("isBase64Encoded") else MAX_BODY_BYTES
    if len(event.get("body") or "") > limit:
        raise PayloadTooLarge


def parse_json(body: str | bytes) -> Any:
    """One JSON document without NaN, Infinity, duplicate names, abysmal nesting or numbers of absurd length.

    Raises InvalidInput for everything that is not such a document.
    """
    text = body.decode("utf-8", "strict") if isinstance(body, bytes) else body
    _check_depth(text)
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique_names)
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
