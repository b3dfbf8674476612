"""What WeChat's server API answered: errors come as HTTP 200 with an `errcode`, success mostly without one.

Codes are from the platform's own reference pages; `errmsg` is never compared and never logged.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

from orchard.core.errors import AppError, CounterpartyRefused, TooManyRequests, Unavailable
from orchard.gateways.errors import HighRiskAccount
from orchard.gateways.http import Host, NoAnswer, NotSent

logger = logging.getLogger(__name__)

# A code that is malformed, expired, used, or missing.
BAD_CODES = (40029, 40163, 41008)
# The access token is wrong or expired: fetch another one and try once more.
TOKEN_REFUSED = frozenset({40001, 40014, 42001})
_BUSY = -1
_DAILY_QUOTA = 45009
_PER_MINUTE = 45011
_HIGH_RISK = 40226
_MISCONFIGURED = {
    40002: "grant type",
    40013: "app id",
    40125: "app secret",
    40164: "our address is not on the IP allow-list",
    40243: "app secret is frozen",
    41002: "app id is missing",
    41004: "app secret is missing",
    43002: "method",
    48001: "the account lacks this permission",
    89503: "IP confirmation",
    89506: "IP confirmation",
    89507: "IP confirmation",
}


def parse(host: Host, method: str, target: str, operation: str, body: bytes = b"") -> dict[str, Any]:
    """One call's JSON object, whatever its errcode. Raises Unavailable for time-outs, 5xx and anything not JSON."""
    headers = {"Accept": "application/json"} | ({"Content-Type": "application/json"} if body else {})
    try:
        answer = host.send(method, target, headers, body)
    except (NotSent, NoAnswer) as error:
        logger.warning("wechat %s: %s", operation, error)
        raise Unavailable() from None
    parsed = as_object(answer.body) if answer.status == 200 else None
    if parsed is None:
        logger.warning("wechat %s: HTTP %s without a JSON object", operation, answer.status)
        raise Unavailable()
    return parsed


def as_object(body: bytes) -> dict[str, Any] | None:
    """The JSON object in `body`, or None. Line feeds inside strings occur in nicknames and are let through."""
    try:
        parsed = json.loads(body.decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def errcode_of(answer: Mapping[str, Any]) -> int:
    """The errcode; missing or 0 is success. Raises Unavailable when it is not a number."""
    try:
        return int(answer.get("errcode") or 0)
    except (TypeError, ValueError):
        raise Unavailable() from None


def raise_for_errcode(
    answer: Mapping[str, Any], operation: str, own: Mapping[int, type[AppError]] | None = None
) -> None:
    """Raise what an errcode means; `own` holds the codes that mean something to this operation alone."""
    errcode = errcode_of(answer)
    if errcode == 0:
        return
    if own and errcode in own:
        raise own[errcode]()
    raise _general(errcode, operation)


def _general(errcode: int, operation: str) -> AppError:
    if errcode == _HIGH_RISK:
        return HighRiskAccount()
    if errcode == _PER_MINUTE:
        return TooManyRequests()
    if errcode in _MISCONFIGURED:
        logger.error("wechat %s: our settings are refused, errcode %s: %s", operation, errcode, _MISCONFIGURED[errcode])
        return CounterpartyRefused(str(errcode))
    if errcode in TOKEN_REFUSED | {_BUSY, _DAILY_QUOTA}:
        logger.log(logging.WARNING if errcode == _BUSY else logging.ERROR, "wechat %s: errcode %s", operation, errcode)
        return Unavailable()
    logger.warning("wechat %s: errcode %s", operation, errcode)
    return CounterpartyRefused(str(errcode))
