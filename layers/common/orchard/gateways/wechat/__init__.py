"""WeChat's server API: who is this shopper, and what is their phone number.

Login needs no access token, so it is one plain HTTPS call: wechatpy would fetch a token first, and loading it
(with requests) costs more than twice what urllib3 alone does on the hottest cold start. Everything that does
need a token goes through wechatpy, in `tokened`, which is loaded with the first such call.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from orchard.core.errors import Unavailable
from orchard.gateways.errors import ConfigurationError, HighRiskAccount, InvalidLoginCode, InvalidPhoneCode
from orchard.gateways.http import Host, Timeouts, base_url
from orchard.gateways.wechat.answers import BAD_CODES, parse, raise_for_errcode
from orchard.gateways.wechat.tokens import AccessTokens, TokenStore

if TYPE_CHECKING:
    from orchard.gateways.wechat.tokened import StableTokenClient

__all__ = ["HighRiskAccount", "InvalidLoginCode", "InvalidPhoneCode", "MiniProgram", "Session", "TokenStore", "WeChat"]

_MAX_CODE = 512
_TIMEOUTS = Timeouts(connect=2.0, read=5.0)


@dataclass(frozen=True, slots=True)
class MiniProgram:
    """The mini-program's identity. `api_url` is a bare scheme://host[:port]; plain http only to loopback."""

    app_id: str
    app_secret: str = field(repr=False)
    api_url: str = "https://api.weixin.qq.com"

    def __post_init__(self) -> None:
        if not self.app_id.strip() or not self.app_secret.strip():
            raise ConfigurationError("WeChat app id or app secret is missing")
        base_url(self.api_url, "WeChat API URL")


@dataclass(frozen=True, slots=True)
class Session:
    """Who logged in. The platform's session_key is dropped on arrival: nothing of ours needs it."""

    openid: str = field(repr=False)
    unionid: str | None = field(repr=False)


class WeChat:
    """Calls to the server API. Every method may raise Unavailable, TooManyRequests or CounterpartyRefused.

    Make no call while a database transaction is open; `store` is asked for the access token in between.
    """

    def __init__(self, app: MiniProgram, store: TokenStore | None = None, timeouts: Timeouts = _TIMEOUTS) -> None:
        self._app = app
        self._store = store
        self._timeouts = timeouts
        self._host = Host(app.api_url, timeouts, "WeChat API URL")
        self._tokened: StableTokenClient | None = None

    def code_to_session(self, code: str) -> Session:
        """The openid (and unionid, if bound to an Open Platform account) behind a wx.login code, usable once.

        Raises InvalidLoginCode (bad, expired or used), HighRiskAccount, or what every call raises.
        """
        if not _plausible(code):
            raise InvalidLoginCode()
        query = urlencode(
            {
                "appid": self._app.app_id,
                "secret": self._app.app_secret,
                "js_code": code,
                "grant_type": "authorization_code",
            }
        )
        answer = parse(self._host, "GET", f"/sns/jscode2session?{query}", "jscode2session")
        raise_for_errcode(answer, "jscode2session", dict.fromkeys(BAD_CODES, InvalidLoginCode))
        return Session(openid=_text(answer, "openid"), unionid=answer.get("unionid") or None)

    def phone_number(self, code: str) -> str:
        """The phone number behind a code of the phone button, usable once: digits only.

        Mainland numbers are the bare 11 digits; others start with `+` and the country code.
        Raises InvalidPhoneCode, or what every call raises.
        """
        if not _plausible(code):
            raise InvalidPhoneCode()
        answer = self._with_token().call("/wxa/business/getuserphonenumber", {"code": code})
        raise_for_errcode(answer, "getuserphonenumber", dict.fromkeys(BAD_CODES, InvalidPhoneCode))
        return _phone(answer)

    def _with_token(self) -> "StableTokenClient":
        if self._tokened is None:
            if self._store is None:
                raise ConfigurationError("this WeChat client was built without a token store")
            from orchard.gateways.wechat.tokened import StableTokenClient

            tokens = AccessTokens(self._app.app_id, self._app.app_secret, self._host, self._store)
            self._tokened = StableTokenClient(self._app.app_id, self._app.api_url, tokens, self._timeouts)
        return self._tokened


def _plausible(code: str) -> bool:
    return 0 < len(code) <= _MAX_CODE and code.isascii() and code.isprintable() and " " not in code


def _text(answer: dict[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise Unavailable()
    return value


def _phone(answer: dict[str, Any]) -> str:
    info = answer.get("phone_info")
    if not isinstance(info, dict):
        raise Unavailable()
    number = _text(info, "purePhoneNumber")
    # Documented as a string, shown as a number in the platform's own example.
    country = str(info.get("countryCode") or "86").lstrip("+")
    if not (number.isascii() and number.isdigit() and country.isascii() and country.isdigit()):
        raise Unavailable()
    return number if country == "86" else f"+{country}{number}"
