"""The merchant of the sandbox and one shopper: their keys, an order, its payment and its refund."""

from datetime import timedelta
from typing import Any

from infra.local.wechat_sandbox.server import SandboxServer
from orchard.core import clock
from orchard.gateways.wechat_pay import MerchantKeys, RefundRequest, WeChatPayClient

OPENID = "oSandboxShopper0000000000001"
MODES = ["public_key", "certificate", "mixed"]


def merchant_keys(sandbox: SandboxServer, **changed: Any) -> MerchantKeys:
    config, secret = sandbox.config, sandbox.config.merchant_secret()
    given: dict[str, Any] = {
        "merchant_id": config.mchid,
        "app_id": config.appid,
        "merchant_serial": config.merchant_serial,
        "merchant_private_key": config.merchant_private_key,
        "api_v3_key": config.api_v3_key,
        "platform_public_keys": secret["platform_public_keys"],
    }
    return MerchantKeys(**(given | changed))


def order(client: WeChatPayClient, number: str, notify_url: str = "http://127.0.0.1:9", fen: int = 1999) -> bytes:
    return client.prepay_body(
        out_trade_no=number,
        description="苹果 5 斤",
        total_fen=fen,
        openid=OPENID,
        notify_url=f"{notify_url}/wechat-pay/payments",
        time_expire=clock.utc_now() + timedelta(minutes=30),
        attach="shop",
    )


def pay(sandbox: SandboxServer, client: WeChatPayClient, number: str, **more: Any) -> None:
    parameters = client.request_payment_parameters(client.prepay(order(client, number, **more)))
    assert sandbox.client.confirm_payment(parameters, OPENID) == {"errMsg": "requestPayment:ok"}


def refund(number: str, out_refund_no: str, fen: int = 999, notify_url: str = "http://127.0.0.1:9") -> RefundRequest:
    return RefundRequest(
        out_trade_no=number,
        out_refund_no=out_refund_no,
        refund_fen=fen,
        total_fen=1999,
        notify_url=f"{notify_url}/wechat-pay/refunds",
        reason="坏果",
    )
