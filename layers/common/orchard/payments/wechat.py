"""The pay client of this process: built at first use, built anew when the merchant's keys or settings changed.

Reading the keys may ask Secrets Manager: never call anything here while a transaction is open.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar

from orchard.core.errors import AppError, CounterpartyRefused, CounterpartyUnknown, Unavailable
from orchard.gateways.http import Timeouts
from orchard.runtime import settings
from orchard.runtime.database import Connection

if TYPE_CHECKING:
    from orchard.gateways.wechat_pay import Notification, WeChatPayClient
    from orchard.runtime.callbacks import PlatformCall

PAYMENTS_PATH = "/wechat-pay/payments"
REFUNDS_PATH = "/wechat-pay/refunds"
# One call with the repetition that the gateway allows itself: no connection at first, then a slow answer.
LONGEST_CALL_SECONDS = Timeouts().longest_seconds
# Kept behind a call, for the transactions that note how it ended.
NOTING_SECONDS = 2.0

T = TypeVar("T")


class Ending(StrEnum):
    """What became of a call, as far as money is concerned."""

    DONE = "done"
    PAID = "paid"
    CLOSED = "closed"
    MISSING = "missing"
    NOT_ENOUGH = "not_enough"
    REFUSED = "refused"
    NOT_DONE = "not_done"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """A call's ending. `value` is there when it is DONE, `error` (to raise to a shopper) and `note` otherwise."""

    ending: Ending
    value: T | None = None
    error: AppError = field(default_factory=Unavailable)
    note: str = ""


_Identity = tuple[settings.WeChatPaySettings, settings.WeChatPayKeys, str]
_built: "tuple[_Identity, WeChatPayClient] | None" = None


def client() -> "WeChatPayClient":
    """The client. Raises ConfigurationError for missing or unusable keys, before anything was begun."""
    global _built  # noqa: PLW0603 - one per process: it keeps the connection
    identity = (settings.wechat_pay(), settings.wechat_pay_keys(), settings.wechat_app().app_id)
    if _built is None or _built[0] != identity:
        _built = (identity, _build(*identity))
    return _built[1]


def _build(pay: settings.WeChatPaySettings, keys: settings.WeChatPayKeys, app_id: str) -> "WeChatPayClient":
    # Loads urllib3 and cryptography: only functions that speak to WeChat Pay come here, and only when they do.
    from orchard.gateways.wechat_pay import MerchantKeys, WeChatPayClient

    merchant = MerchantKeys(
        merchant_id=pay.merchant_id,
        app_id=app_id,
        merchant_serial=keys.merchant_serial,
        merchant_private_key=keys.merchant_private_key.get_secret_value(),
        api_v3_key=keys.api_v3_key.get_secret_value(),
        platform_public_keys=keys.platform_public_keys,
    )
    return WeChatPayClient(
        merchant, pay.api_url, reload_keys=lambda: settings.wechat_pay_keys(reload=True).platform_public_keys
    )


def attempt(transactions: Connection, call: "Callable[[WeChatPayClient], T]") -> Reply[T]:
    """Make one call and sort its ending. Only ConfigurationError is raised, before anything was sent.

    Nothing is sent, and the ending is NOT_DONE, where the invocation might end before a slow answer is noted.
    """
    from orchard.gateways import wechat_pay as pay

    of_error = (
        (pay.AlreadyPaid, Ending.PAID), (pay.AlreadyClosed, Ending.CLOSED), (pay.OrderMissing, Ending.MISSING),
        (pay.NotEnoughBalance, Ending.NOT_ENOUGH), (CounterpartyRefused, Ending.REFUSED),
        (CounterpartyUnknown, Ending.UNKNOWN), (Unavailable, Ending.NOT_DONE),
    )  # fmt: skip
    live = client()
    if transactions.seconds_left < LONGEST_CALL_SECONDS + NOTING_SECONDS:
        return Reply(Ending.NOT_DONE, note="no_time_left")
    try:
        return Reply(Ending.DONE, call(live))
    except (CounterpartyRefused, CounterpartyUnknown, Unavailable) as error:
        ending = next(ending for kind, ending in of_error if isinstance(error, kind))
        return Reply(ending, error=error, note=str(getattr(error, "reason", error.code)))


def notify_url(path: str) -> str:
    """Where WeChat Pay posts its notifications. Raises ConfigurationError in a function that was not told."""
    return settings.wechat_pay_notify().url.rstrip("/") + path


def merchant() -> tuple[str, str]:
    """Our merchant id and app id."""
    return settings.wechat_pay().merchant_id, settings.wechat_app().app_id


def open_notification(call: "PlatformCall") -> "Notification":
    """Verify and decrypt a callback. Raises InvalidNotification, ConfigurationError."""
    from orchard.core.clock import utc_now
    from orchard.gateways import wechat_pay

    pay = client()
    api_v3_key = settings.wechat_pay_keys().api_v3_key.get_secret_value()
    return wechat_pay.open_notification(call.headers, call.body, pay.platform_keys, api_v3_key, utc_now())
