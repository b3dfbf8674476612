"""Errors that a shopper may see: one base, a stable code, an HTTP status and a Chinese message.

Rendered once, at the edge, as RFC 9457 `application/problem+json`. Anything that is not an
`AppError` is a bug and becomes a logged 500 that reveals nothing.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class AppError(Exception):
    """Base of every typed refusal. `details` must be JSON-serialisable and free of personal data."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    message: ClassVar[str] = "服务开小差了，请稍后再试"

    def __init__(self, message: str | None = None, **details: Any) -> None:
        self.text = message or self.message
        self.details: Mapping[str, Any] = details
        super().__init__(f"{self.code}: {self.text}")


class InvalidInput(AppError):
    """The request is malformed or breaks a rule that needs no look at our data."""

    code = "invalid_input"
    status = 422
    message = "提交的内容有误，请检查后重试"


class Unauthenticated(AppError):
    """No valid session: missing, forged, expired or revoked."""

    code = "unauthenticated"
    status = 401
    message = "请先登录"


class Forbidden(AppError):
    """Known caller, but this is not allowed to them."""

    code = "forbidden"
    status = 403
    message = "没有权限进行此操作"


class NotFound(AppError):
    """Missing, or somebody else's: the two answers are identical on purpose."""

    code = "not_found"
    status = 404
    message = "内容不存在或已被删除"


class Conflict(AppError):
    """The request is well formed, but the state of things refuses it. Nothing was changed."""

    code = "conflict"
    status = 409
    message = "当前状态无法进行此操作，请刷新后重试"


class PayloadTooLarge(AppError):
    """Body over the limit; refused before it is parsed."""

    code = "payload_too_large"
    status = 413
    message = "提交的内容过大"


class TooManyRequests(AppError):
    """Rate limit reached; try again later."""

    code = "too_many_requests"
    status = 429
    message = "操作太频繁，请稍后再试"


class Unavailable(AppError):
    """A retryable failure on our side or a counterparty's; nothing was left half-done."""

    code = "unavailable"
    status = 503
    message = "系统繁忙，请稍后再试"


class CounterpartyRefused(AppError):
    """A platform (WeChat, a carrier) refused the call for good; `reason` is its own code."""

    code = "counterparty_refused"
    status = 502
    message = "微信服务暂时无法处理，请稍后再试"

    def __init__(self, reason: str, message: str | None = None, **details: Any) -> None:
        self.reason = reason
        super().__init__(message, **details)


class CounterpartyUnknown(AppError):
    """No trustworthy answer (time-out, 5xx, bad signature): the call may have succeeded. Query before deciding."""

    code = "counterparty_unknown"
    status = 503
    message = "正在向微信确认结果，请稍后刷新"
