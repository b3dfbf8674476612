"""The access token, by `stable_token`: every instance of the shop gets the same one and none kills another's.

The token lives in this process's memory and in the caller's store. The platform renews it within its last five
minutes and lets the old one live on for five more, so a token is used up to its last minute without a gap.
"""

import json
import logging
from datetime import datetime, timedelta
from typing import Protocol

from orchard.core import clock
from orchard.core.errors import Unavailable
from orchard.gateways.http import Host
from orchard.gateways.wechat.answers import parse, raise_for_errcode

logger = logging.getLogger(__name__)

_USED_UNTIL = timedelta(seconds=60)
# The platform allows 20 forced renewals a day, 30 seconds apart, and each ends the old token at once.
_FORCED_APART = timedelta(seconds=60)
_LONGEST_LIFE = 7200


class TokenStore(Protocol):
    """Where instances share the token: one row per app. Each method is a short transaction of its own.

    Tokens must be stored whole, 512 characters and more. `expires_at` is aware, UTC.
    """

    def load(self) -> tuple[str, datetime] | None:
        """The stored token and its expiry, or None."""

    def save(self, token: str, expires_at: datetime) -> None:
        """Replace the stored token."""


class AccessTokens:
    """Hands out a usable token, asking memory, then the store, then the platform."""

    def __init__(self, app_id: str, app_secret: str, host: Host, store: TokenStore) -> None:
        self._app_id = app_id
        self._app_secret = app_secret
        self._host = host
        self._store = store
        self._held: tuple[str, datetime] | None = None
        self._forced_at: datetime | None = None

    def current(self) -> str:
        """A token with at least a minute to live. Raises what a call to the server API raises."""
        if not _usable(self._held):
            self._held = self._store.load()
        if self._held is None or not _usable(self._held):
            self._held = self._fetch(force=False)
        return self._held[0]

    def renew(self, refused: str) -> str:
        """Another token in place of one that the platform just refused. Raises Unavailable if there is none."""
        stored = self._store.load()
        if stored is not None and stored[0] != refused and _usable(stored):
            self._held = stored
            return stored[0]
        self._held = self._fetch(force=False)
        if self._held[0] == refused:
            self._held = self._force()
        return self._held[0]

    def _force(self) -> tuple[str, datetime]:
        now = clock.utc_now()
        if self._forced_at is not None and now - self._forced_at < _FORCED_APART:
            raise Unavailable()
        self._forced_at = now
        logger.error("wechat stable_token: the platform refuses its own current token, forcing a new one")
        return self._fetch(force=True)

    def _fetch(self, *, force: bool) -> tuple[str, datetime]:
        body = json.dumps(
            {
                "grant_type": "client_credential",
                "appid": self._app_id,
                "secret": self._app_secret,
                "force_refresh": force,
            }
        ).encode()
        asked_at = clock.utc_now()
        answer = parse(self._host, "POST", "/cgi-bin/stable_token", "stable_token", body)
        raise_for_errcode(answer, "stable_token")
        token, life = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not token or not isinstance(life, int) or life <= 0:
            raise Unavailable()
        expires_at = asked_at + timedelta(seconds=min(life, _LONGEST_LIFE))
        self._store.save(token, expires_at)
        return token, expires_at


def _usable(held: tuple[str, datetime] | None) -> bool:
    return held is not None and held[1] - clock.utc_now() > _USED_UNTIL
