"""What goes to WeChat Pay and what comes back. Amounts are integer fen, times are aware.

Answers are frozen, ignore fields they do not know, and keep openids and card names out of `repr` and of errors.
"""

import json
import re
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, model_validator

from orchard.core import clock

_OUT_TRADE_NO = re.compile(r"[0-9A-Za-z_\-*|]{6,32}")
_OUT_REFUND_NO = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")


def _blank_is_none(value: Any) -> Any:
    return None if value == "" else value


Text = Annotated[str | None, BeforeValidator(_blank_is_none)]
Moment = Annotated[AwareDatetime | None, BeforeValidator(_blank_is_none)]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class Amount(_Answer):
    """`total` is the order's; `payer_total` is what the shopper paid, less when WeChat's coupons were used."""

    total: StrictInt | None = None
    payer_total: StrictInt | None = None
    currency: str = "CNY"


class Payer(_Answer):
    openid: Text = Field(default=None, repr=False)


class Transaction(_Answer):
    """An order at the platform. Unpaid ones lack transaction_id, success_time and often amount and payer."""

    appid: str
    mchid: str
    out_trade_no: str
    trade_state: str = Field(min_length=1)
    transaction_id: Text = None
    trade_type: Text = None
    bank_type: Text = None
    attach: Text = Field(default=None, repr=False)
    success_time: Moment = None
    amount: Amount = Amount()
    payer: Payer = Payer()

    @property
    def was_paid(self) -> bool:
        """Money arrived. REFUND counts: the platform may say it as soon as any refund is accepted."""
        return self.trade_state in {"SUCCESS", "REFUND"}

    @property
    def is_closed(self) -> bool:
        """Not paid, and cannot be paid any more."""
        return self.trade_state in {"CLOSED", "REVOKED"}

    @model_validator(mode="after")
    def _paid_says_how_much(self) -> Self:
        if self.was_paid and (self.amount.total is None or self.transaction_id is None):
            raise ValueError("a paid transaction without amount or transaction_id")
        return self


class RefundAmount(_Answer):
    """`refund` of the order's `total`; the payer_ figures leave out WeChat's own coupons."""

    total: StrictInt
    refund: StrictInt
    payer_total: StrictInt | None = None
    payer_refund: StrictInt | None = None
    currency: str = "CNY"


class Refund(_Answer):
    """A refund as the API answers it. `status`: SUCCESS, CLOSED, PROCESSING or ABNORMAL; only PROCESSING moves on
    by itself.
    """

    refund_id: str
    out_refund_no: str
    transaction_id: str
    out_trade_no: str
    status: str = Field(min_length=1)
    amount: RefundAmount
    channel: Text = None
    user_received_account: Text = Field(default=None, repr=False)
    funds_account: Text = None
    create_time: Moment = None
    success_time: Moment = None


class RefundResult(_Answer):
    """A refund as a notification tells it, where the state's name is `refund_status`: SUCCESS, CLOSED, ABNORMAL."""

    mchid: str
    refund_id: str
    out_refund_no: str
    transaction_id: str
    out_trade_no: str
    status: str = Field(validation_alias="refund_status", min_length=1)
    amount: RefundAmount
    user_received_account: Text = Field(default=None, repr=False)
    success_time: Moment = None


class RefundRequest(BaseModel):
    """A refund to ask for. Retry with the same `out_refund_no` and fields: another number is another refund.

    With `transaction_id` the money is named by it and not by the order's number.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    out_trade_no: str = Field(pattern=f"^{_OUT_TRADE_NO.pattern}$")
    out_refund_no: str = Field(pattern=f"^{_OUT_REFUND_NO.pattern}$")
    refund_fen: int = Field(strict=True, ge=1)
    total_fen: int = Field(strict=True, ge=1)
    notify_url: str = Field(max_length=256)
    reason: str = Field(default="", max_length=80)
    transaction_id: str | None = Field(default=None, pattern=r"^[0-9A-Za-z]{1,64}$")

    @model_validator(mode="after")
    def _within_the_order(self) -> Self:
        if self.refund_fen > self.total_fen:
            raise ValueError("more than the order's total")
        return self

    def body(self) -> bytes:
        """The request's bytes, the same for the same fields."""
        paid = {"transaction_id": self.transaction_id} if self.transaction_id else {"out_trade_no": self.out_trade_no}
        values: dict[str, Any] = {
            **paid,
            "out_refund_no": self.out_refund_no,
            "notify_url": self.notify_url,
            "amount": {"refund": self.refund_fen, "total": self.total_fen, "currency": "CNY"},
        }
        return canonical(values | ({"reason": self.reason} if self.reason else {}))


def canonical(values: dict[str, Any]) -> bytes:
    """JSON in UTF-8 with sorted keys and no spaces: equal values give equal bytes."""
    return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def shanghai_time(moment: datetime) -> str:
    """An aware moment as the platform wants it: RFC 3339, whole seconds, +08:00."""
    if moment.tzinfo is None:
        raise ValueError("naive datetime")
    return moment.astimezone(clock.SHANGHAI).replace(microsecond=0).isoformat()


def check_out_trade_no(number: str) -> str:
    """The number itself. Raises ValueError unless it is one that the platform could have: 6 to 32 characters."""
    if not _OUT_TRADE_NO.fullmatch(number):
        raise ValueError("not an out_trade_no")
    return number


def check_out_refund_no(number: str) -> str:
    """The number itself. Raises ValueError unless it is one that the platform could have: 1 to 64 characters."""
    if not _OUT_REFUND_NO.fullmatch(number):
        raise ValueError("not an out_refund_no")
    return number
