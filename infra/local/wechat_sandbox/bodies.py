"""The bodies that Pay v3 accepts, as closed schemas: an unknown, missing, mistyped or oversized field is refused."""

import datetime as dt
import ipaddress
import json
import re
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from .errors import PayError, field_error

Model = TypeVar("Model", bound=BaseModel)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00")


def _notify_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.query or "?" in url or parts.fragment or parts.username or not parts.hostname:
        raise ValueError("must be an absolute URL without query, fragment or user")
    if parts.scheme != "https" and not (parts.scheme == "http" and _loopback(parts.hostname)):
        raise ValueError("must be https (http is allowed for a loopback host only)")
    return url


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _moment(text: str) -> str:
    if not _TIME.fullmatch(text):
        raise ValueError("must be like 2026-01-01T10:00:00+08:00")
    dt.datetime.fromisoformat(text)
    return text


NotifyUrl = Annotated[str, Field(max_length=255), AfterValidator(_notify_url)]
TradeNo = Annotated[str, Field(pattern=r"^[0-9A-Za-z_\-*|]{6,32}$")]
RefundNo = Annotated[str, Field(pattern=r"^[0-9A-Za-z_\-|*@]{1,64}$")]
Fen = Annotated[int, Field(ge=1)]


class Closed(BaseModel):
    """A body in which nothing unknown may stand and no type is bent."""

    model_config = ConfigDict(extra="forbid", strict=True)


class OrderAmount(Closed):
    total: Fen
    currency: Literal["CNY"] = "CNY"


class Payer(Closed):
    openid: Annotated[str, Field(min_length=1, max_length=128)]


class OrderGoods(Closed):
    merchant_goods_id: Annotated[str, Field(min_length=1, max_length=32)]
    wechatpay_goods_id: Annotated[str | None, Field(max_length=32)] = None
    goods_name: Annotated[str | None, Field(max_length=256)] = None
    quantity: Annotated[int, Field(ge=1)]
    unit_price: Annotated[int, Field(ge=0)]


class OrderDetail(Closed):
    cost_price: Annotated[int | None, Field(ge=0)] = None
    invoice_id: Annotated[str | None, Field(max_length=32)] = None
    goods_detail: list[OrderGoods] | None = None


class StoreInfo(Closed):
    id: Annotated[str, Field(min_length=1, max_length=32)]
    name: Annotated[str | None, Field(max_length=256)] = None
    area_code: Annotated[str | None, Field(max_length=32)] = None
    address: Annotated[str | None, Field(max_length=512)] = None


class SceneInfo(Closed):
    payer_client_ip: Annotated[str, Field(min_length=1, max_length=45)]
    device_id: Annotated[str | None, Field(max_length=32)] = None
    store_info: StoreInfo | None = None


class SettleInfo(Closed):
    profit_sharing: bool = False


class PrepayRequest(Closed):
    """POST /v3/pay/transactions/jsapi."""

    appid: Annotated[str, Field(min_length=1, max_length=32)]
    mchid: Annotated[str, Field(min_length=1, max_length=32)]
    description: Annotated[str, Field(min_length=1, max_length=127)]
    out_trade_no: TradeNo
    time_expire: Annotated[str, AfterValidator(_moment)] | None = None
    attach: Annotated[str | None, Field(max_length=128)] = None
    notify_url: NotifyUrl
    amount: OrderAmount
    payer: Payer
    goods_tag: Annotated[str | None, Field(max_length=32)] = None
    limit_pay: list[str] | None = None
    support_fapiao: bool = False
    detail: OrderDetail | None = None
    scene_info: SceneInfo | None = None
    settle_info: SettleInfo | None = None


class CloseRequest(Closed):
    """POST .../out-trade-no/{out_trade_no}/close."""

    mchid: Annotated[str, Field(min_length=1, max_length=32)]


class FundsFrom(Closed):
    account: Literal["AVAILABLE", "UNAVAILABLE"]
    amount: Fen


class RefundAmount(Closed):
    refund: Fen
    total: Fen
    currency: Literal["CNY"]
    from_: Annotated[list[FundsFrom] | None, Field(alias="from")] = None


class RefundGoods(Closed):
    merchant_goods_id: Annotated[str, Field(min_length=1, max_length=32)]
    wechatpay_goods_id: Annotated[str | None, Field(max_length=32)] = None
    goods_name: Annotated[str | None, Field(max_length=256)] = None
    unit_price: Annotated[int, Field(ge=0)]
    refund_amount: Annotated[int, Field(ge=0)]
    refund_quantity: Annotated[int, Field(ge=1)]


class RefundRequest(Closed):
    """POST /v3/refund/domestic/refunds."""

    transaction_id: Annotated[str | None, Field(min_length=1, max_length=32)] = None
    out_trade_no: TradeNo | None = None
    out_refund_no: RefundNo
    reason: Annotated[str | None, Field(min_length=1, max_length=80)] = None
    notify_url: NotifyUrl | None = None
    funds_account: Literal["AVAILABLE"] | None = None
    amount: RefundAmount
    goods_detail: list[RefundGoods] | None = None


class AbnormalRefundRequest(Closed):
    """POST .../refunds/{refund_id}/apply-abnormal-refund; bank fields are encrypted and not looked into."""

    out_refund_no: RefundNo
    type: Literal["USER_BANK_CARD", "MERCHANT_BANK_CARD"]
    bank_type: Annotated[str | None, Field(max_length=16)] = None
    bank_account: Annotated[str | None, Field(max_length=1024)] = None
    real_name: Annotated[str | None, Field(max_length=1024)] = None


def parse(model: type[Model], raw: bytes) -> Model:
    """Read a JSON body; PayError 400 PARAM_ERROR naming the first field at fault."""
    try:
        content = json.loads(raw)
    except ValueError:
        raise PayError(400, "PARAM_ERROR", "请求体不是有效的JSON") from None
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = "/" + "/".join(str(part) for part in first["loc"])
        raise field_error(field, first["msg"], first["input"]) from None


def canonical(request: BaseModel) -> str:
    """Return the body in one spelling, so that a repeated call can be compared with the first."""
    content = request.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return json.dumps(content, sort_keys=True, ensure_ascii=False)
