"""One HTTP call at a time over a kept-alive pool, with explicit time-outs and without retries or redirects.

urllib3 is loaded with the first call. Its debug and retry lines are silenced: they print whole addresses, and
WeChat wants the app secret and the access token in there.
"""

import ipaddress
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from orchard.gateways.errors import ConfigurationError

_MAX_ANSWER_BYTES = 1 << 20
# Before a call is repeated that was refused for coming too often.
PAUSE_SECONDS = 0.5


class NotSent(Exception):
    """No connection could be made, so the far side has certainly seen nothing. The text is the error's kind."""


class NoAnswer(Exception):
    """The call may have arrived, but no whole answer came back. The text is the error's kind."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to connect, and seconds without a byte while waiting for the answer."""

    connect: float = 2.0
    read: float = 8.0

    @property
    def longest_seconds(self) -> float:
        """What one call may take: a quick refusal, a pause, then no connection at first and a slow answer at last."""
        return self.connect + PAUSE_SECONDS + 2 * self.connect + self.read


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, header pairs as received, and the raw body bytes."""

    status: int
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)


def quiet_urllib3() -> None:
    """Keep addresses, which hold secrets, out of the log at every level that urllib3 uses for them."""
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)


def base_url(url: str, setting: str) -> str:
    """`url` without a final slash. Raises ConfigurationError unless it is https, or http to this machine itself."""
    parts = urlsplit(url)
    if parts.path.strip("/") or parts.query or parts.fragment or not parts.hostname or parts.username:
        raise ConfigurationError(f"{setting}: not a bare scheme://host[:port]")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname)):
        raise ConfigurationError(f"{setting}: https is required for a host that is not on loopback")
    return f"{parts.scheme}://{parts.netloc}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Host:
    """A counterparty's host. `url` is a bare scheme://host[:port]; see `base_url` for what it refuses."""

    def __init__(self, url: str, timeouts: Timeouts, setting: str) -> None:
        self._url = base_url(url, setting)
        self._timeouts = timeouts
        self._pool: Any = None

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """Send once. Raises NotSent or NoAnswer, whose text and context never hold the address or the body."""
        import urllib3
        from urllib3.exceptions import ConnectTimeoutError, HTTPError

        failure: NotSent | NoAnswer
        try:
            return self._exchange(urllib3, method, target, headers, body)
        except ConnectTimeoutError as error:
            failure = NotSent(type(error).__name__)
        except (HTTPError, OSError) as error:
            failure = NoAnswer(type(error).__name__)
        # Raised out here so that urllib3's own error, which quotes the address, is not chained to it.
        raise failure

    def _exchange(self, urllib3: Any, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if self._pool is None:
            quiet_urllib3()
            self._pool = urllib3.connection_from_url(self._url, retries=False, maxsize=1)
        response = self._pool.urlopen(
            method,
            target,
            body=body or None,
            headers=headers,
            redirect=False,
            retries=False,
            preload_content=False,
            timeout=urllib3.Timeout(connect=self._timeouts.connect, read=self._timeouts.read),
        )
        try:
            received = response.read(_MAX_ANSWER_BYTES + 1, decode_content=True)
            if len(received) > _MAX_ANSWER_BYTES:
                raise urllib3.exceptions.HTTPError("answer too large")
        except BaseException:
            response.close()
            raise
        response.release_conn()
        return Answer(response.status, tuple(response.headers.items()), received)
