"""What the WeChat Pay client may be asked to do, and a good answer to each."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from orchard.gateways.wechat_pay import RefundRequest, WeChatPayClient
from tests.unit.gateways.pay_platform import APP_ID, MERCHANT_ID

NUMBER = "20260301ABCDEF"
EXPIRES = datetime(2026, 3, 1, 4, 30, 0, 999999, tzinfo=UTC)
UNPAID = {
    "appid": APP_ID,
    "mchid": MERCHANT_ID,
    "out_trade_no": NUMBER,
    "trade_state": "NOTPAY",
    "trade_state_desc": "订单未支付",
    "amount": {"total": 1999},
    "payer": {"openid": "oShopper"},
}
PAID = UNPAID | {"trade_state": "SUCCESS", "transaction_id": "4200000001", "success_time": "2026-03-01T12:00:00+08:00"}
REFUND = {
    "refund_id": "5030000001",
    "out_refund_no": "R1",
    "transaction_id": "4200000001",
    "out_trade_no": NUMBER,
    "channel": "ORIGINAL",
    "user_received_account": "支付用户零钱",
    "create_time": "2026-03-01T12:00:00+08:00",
    "status": "PROCESSING",
    "amount": {"total": 1999, "refund": 999, "payer_total": 1999, "payer_refund": 999},
}
ASKED = RefundRequest(
    out_trade_no=NUMBER,
    out_refund_no="R1",
    refund_fen=999,
    total_fen=1999,
    notify_url="https://shop.example/wechat-pay/refunds",
    reason="苹果坏了",
)


def body(client: WeChatPayClient, **changed: Any) -> bytes:
    given: dict[str, Any] = {
        "out_trade_no": NUMBER,
        "description": "苹果",
        "total_fen": 1999,
        "openid": "oShopper",
        "notify_url": "https://shop.example/wechat-pay/payments",
        "time_expire": EXPIRES,
    }
    return client.prepay_body(**(given | changed))


Action = Callable[[WeChatPayClient], object]

ACTIONS: dict[str, Action] = {
    "prepay": lambda client: client.prepay(body(client)),
    "query": lambda client: client.query(NUMBER),
    "close": lambda client: client.close(NUMBER),
    "refund": lambda client: client.refund(ASKED),
    "query_refund": lambda client: client.query_refund("R1"),
}
GOOD: dict[str, tuple[Any, int]] = {
    "prepay": ({"prepay_id": "wx26112221580621e9b071c00d9e093b0000"}, 200),
    "query": (PAID, 200),
    "close": (None, 204),
    "refund": (REFUND, 200),
    "query_refund": (REFUND, 200),
}
every_action = pytest.mark.parametrize("action", ACTIONS)
