"""wechatpy's client with a shared stable token, explicit time-outs and exactly one renewal.

wechatpy's own token call ends every other instance's token, has no time-out, and its renewal recurses without
bound, so those three are replaced. Load this module only when a token is needed: it brings requests along.
"""

import logging
from typing import Any

import requests
from wechatpy.client import WeChatClient
from wechatpy.exceptions import WeChatClientException

from orchard.core.errors import Unavailable
from orchard.gateways.http import Timeouts, base_url, quiet_urllib3
from orchard.gateways.wechat.answers import TOKEN_REFUSED
from orchard.gateways.wechat.tokens import AccessTokens

logger = logging.getLogger(__name__)

_OFFICIAL = "https://api.weixin.qq.com"


class StableTokenClient(WeChatClient):  # type: ignore[misc]  # the untyped base is Any to mypy
    """Use `call`; wechatpy's own API groups work too, but raise wechatpy's exceptions, which carry the token."""

    def __init__(self, app_id: str, api_url: str, tokens: AccessTokens, timeouts: Timeouts) -> None:
        # The secret stays with `tokens`; wechatpy's own retry and token fetch are off.
        super().__init__(app_id, "", timeout=(timeouts.connect, timeouts.read), auto_retry=False)
        quiet_urllib3()
        self._url = base_url(api_url, "WeChat API URL")
        self._tokens = tokens
        # No proxy or .netrc from the environment: the same network path as every other call.
        self._http.trust_env = False

    @property
    def access_token(self) -> str:
        """The shared token; see `AccessTokens.current`."""
        return self._tokens.current()

    def fetch_access_token(self) -> None:
        """Never called: wechatpy's way of getting a token would end those of other instances."""
        raise NotImplementedError("tokens come from AccessTokens")

    def call(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST `body` as JSON to `path` and return the JSON object, whatever errcode it holds.

        Raises Unavailable for time-outs, HTTP errors and answers that are not JSON.
        """
        try:
            result = self.post(path, data=body)
        except WeChatClientException as error:
            if error.errcode is not None:
                return {"errcode": error.errcode}
            problem = f"HTTP {getattr(error.response, 'status_code', '?')}"
        except (requests.RequestException, TypeError, ValueError) as error:
            problem = type(error).__name__
        else:
            if isinstance(result, dict):
                return result
            problem = "no JSON object"
        # Raised out here: the errors above hold the request, and with it the token.
        logger.warning("wechat %s: %s", path, problem)
        raise Unavailable()

    def _request(self, method: str, url_or_endpoint: str, **kwargs: Any) -> Any:
        params = dict(kwargs.pop("params", None) or {})
        url = self._address(url_or_endpoint, str(kwargs.pop("api_base_url", f"{_OFFICIAL}/cgi-bin/")))
        kwargs.setdefault("allow_redirects", False)
        token = self.access_token
        try:
            return super()._request(method, url, params={**params, "access_token": token}, **kwargs)
        except WeChatClientException as error:
            if error.errcode not in TOKEN_REFUSED:
                raise
        renewed = self._tokens.renew(token)
        return super()._request(method, url, params={**params, "access_token": renewed}, **kwargs)

    def _address(self, endpoint: str, group: str) -> str:
        if endpoint.startswith("/"):
            return self._url + endpoint
        # wechatpy's API groups name the official host in full; ours is a setting.
        whole = endpoint if endpoint.startswith(("http://", "https://")) else group + endpoint
        return whole.replace(_OFFICIAL, self._url, 1)
