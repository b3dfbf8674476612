"""A mini-program of the scripted platform: its secrets, its token store and its client."""

from datetime import datetime, timedelta
from typing import Any

from orchard.core import clock
from orchard.gateways.http import Timeouts
from orchard.gateways.wechat import MiniProgram, WeChat
from tests.unit.gateways.pay_platform import Scripted, plain

SECRET = "s3cret" * 6
LONG_TOKEN = "T" * 600
PHONE = plain(
    {
        "errcode": 0,
        "errmsg": "ok",
        "phone_info": {"phoneNumber": "13800138000", "purePhoneNumber": "13800138000", "countryCode": "86"},
    }
)


class Shelf:
    """A token store in memory, as several instances of the shop would share it."""

    def __init__(self, *held: tuple[str, datetime]) -> None:
        self.held = held[0] if held else None
        self.saves = 0

    def load(self) -> tuple[str, datetime] | None:
        return self.held

    def save(self, token: str, expires_at: datetime) -> None:
        self.held, self.saves = (token, expires_at), self.saves + 1


def client(server: Scripted, shelf: Shelf | None = None) -> WeChat:
    return WeChat(MiniProgram("wx1", SECRET, server.url), shelf or Shelf(), Timeouts(connect=1.0, read=0.3))


def token(text: str = LONG_TOKEN, life: object = 7200) -> Any:
    return plain({"access_token": text, "expires_in": life})


def good_for(seconds: int, text: str = "stored") -> tuple[str, datetime]:
    return text, clock.utc_now() + timedelta(seconds=seconds)


def paths(server: Scripted) -> list[str]:
    return [request.path for request in server.asked]


def tokens_used(server: Scripted) -> list[str]:
    return [r.args["access_token"] for r in server.asked if r.path.startswith("/wxa/")]
