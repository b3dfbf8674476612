"""How WeChat says no: Pay v3 errors (HTTP status and code) and server API errors (HTTP 200 and errcode)."""

from __future__ import annotations

# Codes as older documents and some live answers spell them.
OLD_SPELLINGS = {
    "ORDER_PAID": "ORDERPAID",
    "ORDER_NOT_EXIST": "ORDERNOTEXIST",
    "ORDER_CLOSED": "ORDERCLOSED",
    "SYSTEM_ERROR": "SYSTEMERROR",
    "NOT_ENOUGH": "NOTENOUGH",
    "NO_AUTH": "NOAUTH",
    "RULE_LIMIT": "RULELIMIT",
}

# The last part of Request-ID: the platform's internal reason.
INTERNAL_CODES = {
    "ORDER_NOT_EXIST": "268512771",
    "FREQUENCY_LIMITED": "268447840",
    "ORDER_PAID": "268498689",
    "ORDER_CLOSED": "268447914",
    "SIGN_ERROR": "268443699",
    "APPID_MCHID_NOT_MATCH": "268445527",
}


class PayError(Exception):
    """A refusal of Pay v3. `detail` holds field, value, issue and location where one field is at fault."""

    def __init__(self, status: int, code: str, message: str, detail: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message, self.detail = status, code, message, detail
        self.internal = INTERNAL_CODES.get(code, "268435456")

    def body(self, old_spelling: bool = False) -> dict[str, object]:
        """Return the documented error body."""
        code = OLD_SPELLINGS.get(self.code, self.code) if old_spelling else self.code
        answer: dict[str, object] = {"code": code, "message": self.message}
        return answer | ({"detail": self.detail} if self.detail else {})


def field_error(field: str, issue: str, value: object = "", location: str = "body") -> PayError:
    """Return the 400 PARAM_ERROR that names one field."""
    detail = {"field": field, "value": str(value)[:100], "issue": issue, "location": location}
    return PayError(400, "PARAM_ERROR", f"参数错误：{field} {issue}", detail)


def invalid_request(message: str) -> PayError:
    """Return the 400 INVALID_REQUEST with its message."""
    return PayError(400, "INVALID_REQUEST", message)


SERVER_MESSAGES = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40013: "invalid appid",
    40014: "invalid access_token",
    40029: "invalid code",
    40125: "invalid appsecret",
    40163: "code been used",
    40164: "invalid ip, not in whitelist",
    40226: "code blocked",
    40243: "AppSecret frozen",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    41008: "missing code",
    42001: "access_token expired",
    43002: "require POST method",
    44002: "empty post data",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, mustslower, retry next minute",
    47001: "data format error",
    48001: "api unauthorized",
}


class ServerApiError(Exception):
    """A refusal of the server API: HTTP 200 with an errcode."""

    def __init__(self, errcode: int) -> None:
        super().__init__(f"errcode {errcode}")
        self.errcode = errcode

    def body(self, request_id: str) -> dict[str, object]:
        """Return the errcode body; its message ends with a request id, as the real one does."""
        message = SERVER_MESSAGES.get(self.errcode, "error")
        return {"errcode": self.errcode, "errmsg": f"{message}, rid: {request_id}"}
