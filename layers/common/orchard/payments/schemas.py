"""Answers of paying."""

from typing import Literal

from pydantic import Field

from orchard.core.schemas import Fen, Schema
from orchard.orders.models import OrderState


class RequestPayment(Schema):
    """Hand these to `wx.requestPayment` as they are; every value is a string."""

    time_stamp: str = Field(alias="timeStamp", serialization_alias="timeStamp")
    nonce_str: str = Field(alias="nonceStr", serialization_alias="nonceStr")
    package: str
    sign_type: Literal["RSA"] = Field(alias="signType", serialization_alias="signType")
    pay_sign: str = Field(alias="paySign", serialization_alias="paySign")


class PaymentSheet(Schema):
    """What to do next: open the sheet with `parameters`, or nothing more where the order cost nothing."""

    order_number: str
    state: OrderState
    amount_fen: Fen
    parameters: RequestPayment | None


class PaymentStatus(Schema):
    """How the order stands after WeChat Pay was asked."""

    order_number: str
    state: OrderState
    paid: bool
