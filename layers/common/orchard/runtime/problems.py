"""Errors on the wire: RFC 9457 `application/problem+json`, rendered in this one place."""

from typing import Any

from orchard.core.errors import AppError, InvalidInput, NotFound, Unavailable
from orchard.runtime.bodies import UnsupportedMediaType, dump_json
from orchard.runtime.database_errors import is_full, is_retryable
from orchard.runtime.powertools import (
    NotFoundError,
    RequestUnsupportedContentType,
    RequestValidationError,
    ServiceError,
)

MEDIA_TYPE = "application/problem+json"
_MAX_REPORTED = 20


def as_app_error(error: BaseException) -> AppError:
    """Whatever was raised, as something that may be shown. Unknown errors reveal nothing."""
    if isinstance(error, AppError):
        return error
    if isinstance(error, RequestValidationError):
        return InvalidInput(errors=[_field_error(e) for e in list(error.errors())[:_MAX_REPORTED]])
    if isinstance(error, RequestUnsupportedContentType):
        return UnsupportedMediaType()
    if isinstance(error, NotFoundError):
        return NotFound()
    if isinstance(error, ServiceError):
        return InvalidInput()
    return Unavailable() if is_retryable(error) or is_full(error) else AppError()


def _field_error(error: dict[str, Any]) -> dict[str, str]:
    # The offending input itself is left out: it may be personal data.
    return {"field": ".".join(str(part) for part in error["loc"])[:200], "type": str(error["type"])}


def as_answer(error: AppError, request_id: str) -> dict[str, Any]:
    """The HTTP API answer (payload 2.0) for an error."""
    body = {
        "type": "about:blank",
        "title": error.code.replace("_", " "),
        "status": error.status,
        "code": error.code,
        "detail": error.text,
        "request_id": request_id,
        **error.details,
    }
    headers = {"content-type": MEDIA_TYPE}
    if error.status in {429, 503}:
        headers["retry-after"] = "1"
    return {
        "statusCode": error.status, "headers": headers, "body": dump_json(body),
        "isBase64Encoded": False, "cookies": [],
    }  # fmt: skip
