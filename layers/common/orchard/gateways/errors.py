"""Errors of the gateways, where core's CounterpartyRefused and CounterpartyUnknown do not say enough.

Nothing here carries what a platform wrote in prose: such text may quote an openid or a phone number.
"""

from typing import Any

from orchard.core.errors import AppError, CounterpartyUnknown, Forbidden, InvalidInput, Unavailable

# One class for every unusable setting, wherever it is noticed.
from orchard.runtime.settings import ConfigurationError

__all__ = [
    "ConfigurationError",
    "HighRiskAccount",
    "InvalidLoginCode",
    "InvalidNotification",
    "InvalidPhoneCode",
    "OutcomeUnknown",
    "RetryLater",
]


class InvalidLoginCode(AppError):
    """The code of wx.login is malformed, expired (5 minutes) or already used."""

    code = "invalid_login_code"
    status = 401
    message = "登录凭证已失效，请重新登录"


class InvalidPhoneCode(InvalidInput):
    """The code of the phone button is malformed, expired (5 minutes) or already used."""

    code = "invalid_phone_code"
    message = "手机号授权已失效，请重新授权"


class HighRiskAccount(Forbidden):
    """WeChat blocks this user as high-risk (errcode 40226)."""

    code = "high_risk_account"
    message = "当前微信账号存在风险，暂时无法登录"


class InvalidNotification(AppError):
    """A callback that did not prove to come from the platform. `reason` is for our log, never for the caller."""

    code = "invalid_notification"
    status = 401
    message = "通知验证失败"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__()
        self.args = (f"{self.code}: {reason}",)


class OutcomeUnknown(CounterpartyUnknown):
    """No trustworthy answer. `reason` is short, for the log and the intent row, free of personal data."""

    def __init__(self, reason: str, **details: Any) -> None:
        self.reason = reason
        super().__init__(**details)
        self.args = (f"{self.code}: {reason}",)


class RetryLater(Unavailable):
    """The platform certainly did nothing; the same call may be made again later. `reason` is its own code."""

    def __init__(self, reason: str, **details: Any) -> None:
        self.reason = reason
        super().__init__(**details)
        self.args = (f"{self.code}: {reason}",)
