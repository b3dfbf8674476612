"""Callbacks of platforms: raw body in, verified before anything else, answered in the platform's own format.

The status decides for WeChat Pay: 200 acknowledges, anything else makes it come again.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from orchard.core.errors import AppError, InvalidInput
from orchard.runtime import bodies
from orchard.runtime.database import Connection, connection
from orchard.runtime.logs import count, invocation, logger, request_id_of
from orchard.runtime.problems import as_app_error
from orchard.runtime.time_left import TimeLeft
from orchard.runtime.unexpected import count_if_unexpected

_MAX_BODY = 64 * 1024


@dataclass(frozen=True, slots=True)
class PlatformCall:
    """What arrived: lower-case header names, the exact bytes of the body, the request id."""

    headers: dict[str, str]
    body: bytes
    request_id: str


Accept = Callable[[Connection, PlatformCall], None]


class Callback:
    """The function behind one callback URL. `accept` returns once the event is durable, or raises to refuse it."""

    def __init__(self, accept: Accept) -> None:
        self._accept = accept

    def handler(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Lambda entry point for an HTTP API event (payload 2.0)."""
        request_id = request_id_of(context)
        with invocation(event.get("routeKey", "-"), request_id), connection.within(TimeLeft(context).seconds):
            try:
                self._accept(connection, _platform_call(event, request_id))
            except Exception as error:
                return _refusal(error)
            return _answer(200, {"code": "SUCCESS", "message": "成功"})


def _platform_call(event: dict[str, Any], request_id: str) -> PlatformCall:
    body = event.get("body") or ""
    if len(body) > _MAX_BODY:
        raise InvalidInput
    try:
        raw = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    except (binascii.Error, ValueError):
        raise InvalidInput from None
    headers = {name.lower(): value for name, value in event.get("headers", {}).items()}
    return PlatformCall(headers, raw, request_id)


def _refusal(error: Exception) -> dict[str, Any]:
    shown = as_app_error(error)
    count("CallbacksRefused" if shown.status < 500 else "ServerErrors")
    if isinstance(error, AppError) and shown.status < 500:
        logger.warning("callback refused", code=shown.code, **shown.details)
    else:
        logger.error("callback failed", exc_info=error)
        count_if_unexpected(error)
    return _answer(shown.status, {"code": "FAIL", "message": shown.code})


def _answer(status: int, body: dict[str, str]) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": bodies.dump_json(body),
    }
