"""What WeChat Pay's error codes mean for money. Documents and live answers spell them differently.

Four kinds: refused for good (CounterpartyRefused), certainly not done but worth another try (RetryLater), and
everything without a trustworthy answer (OutcomeUnknown), which must be queried before anything is decided.
"""

from typing import Any

from orchard.core.errors import AppError, CounterpartyRefused
from orchard.gateways.errors import RetryLater


class AlreadyPaid(CounterpartyRefused):
    """ORDER_PAID: query, then accept the payment or refund it."""

    code = "order_already_paid"
    status = 409
    message = "订单已支付，请刷新后查看"


class AlreadyClosed(CounterpartyRefused):
    """ORDER_CLOSED: nothing can be paid under this number any more."""

    code = "order_already_closed"
    status = 409
    message = "订单已关闭，请重新下单"


class OrderMissing(CounterpartyRefused):
    """ORDER_NOT_EXIST or RESOURCE_NOT_EXISTS: the platform has never seen this number, or not yet."""

    code = "order_missing_at_wechat"
    status = 409
    message = "微信支付没有查到该订单"


class NotEnoughBalance(RetryLater):
    """NOT_ENOUGH: the merchant's balance does not cover the refund. Somebody must top it up; same number later."""

    code = "merchant_balance_not_enough"


class FrequencyLimited(RetryLater):
    """429: nothing was done; same number later."""

    code = "wechat_pay_frequency_limited"


class MerchantSetupRefused(RetryLater):
    """Our keys, serial, clock, app id or merchant id are refused. Nothing was done; mend the settings first."""

    code = "wechat_pay_setup_refused"


def normalise(code: str) -> str:
    """One spelling per code: without `_`, upper case, without a final S."""
    return code.replace("_", "").upper().removesuffix("S")


_MEANING: dict[str, type[CounterpartyRefused] | type[RetryLater]] = {
    "ORDERPAID": AlreadyPaid,
    "ORDERCLOSED": AlreadyClosed,
    "ORDERNOTEXIST": OrderMissing,
    "RESOURCENOTEXIST": OrderMissing,
    "NOTENOUGH": NotEnoughBalance,
    "FREQUENCYLIMITED": FrequencyLimited,
    "FREQUENCYLIMIT": FrequencyLimited,
    "FREQUENCYLIMITEXCEED": FrequencyLimited,
    "RATELIMITEXCEED": FrequencyLimited,
    "RATELIMITEXCEEDED": FrequencyLimited,
    "SIGNERROR": MerchantSetupRefused,
    "NOAUTH": MerchantSetupRefused,
    "APPIDMCHIDNOTMATCH": MerchantSetupRefused,
    "MCHNOTEXIST": MerchantSetupRefused,
}
# The platform's own trouble: sent with 5xx, but no status makes them trustworthy.
_NO_ANSWER = frozenset({"SYSTEMERROR", "BANKERROR", "USERPAYING"})


def refusal(status: int, code: str, **details: Any) -> AppError | None:
    """What a 4xx answer's code means, or None when it settles nothing."""
    normal = normalise(code)
    if normal in _NO_ANSWER:
        return None
    kind = FrequencyLimited if status == 429 else _MEANING.get(normal, CounterpartyRefused)
    return kind(code, **details)
