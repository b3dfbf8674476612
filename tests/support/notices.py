"""Notifications written by hand and signed by the sandbox's own keys: what the platform would never send, and races."""

import json
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from infra.local.wechat_sandbox import crypto
from infra.local.wechat_sandbox.config import SandboxConfig
from infra.local.wechat_sandbox.signing import Signer
from infra.local.wechat_sandbox.world import SHANGHAI
from orchard.runtime.callbacks import PlatformCall
from tests.support.calls import Answer, call

_FUNCTIONS = {
    "transaction": ("payments/pay_notify", "/wechat-pay/payments"),
    "refund": ("payments/refund_notify", "/wechat-pay/refunds"),
}


@dataclass(frozen=True)
class Notice:
    """One signed notification; post it, or hand `call` to a workflow."""

    kind: str
    headers: dict[str, str]
    body: bytes

    @property
    def call(self) -> PlatformCall:
        """As the callback edge gives it to a workflow."""
        return PlatformCall({name.lower(): value for name, value in self.headers.items()}, self.body, "test")

    def post(self, **headers: str) -> Answer:
        """Deliver it to its function, with further headers if wanted."""
        function, path = _FUNCTIONS[self.kind]
        return call(function, "POST", path, key=None, body=self.body, headers={**self.headers, **headers})


class Platform:
    """Writes notifications as WeChat Pay does."""

    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.signer = Signer(config.platform_public_key_id, config.platform_key)

    def payment(self, order_number: str, openid: str, total_fen: int, **changes: Any) -> dict[str, Any]:
        """The content of a payment notification."""
        return {
            "appid": self.config.appid, "mchid": self.config.mchid, "out_trade_no": order_number,
            "transaction_id": f"4200{crypto.random_text(24, '0123456789')}", "trade_type": "JSAPI",
            "trade_state": "SUCCESS", "trade_state_desc": "支付成功", "bank_type": "OTHERS", "attach": "",
            "success_time": datetime.now(SHANGHAI).isoformat(timespec="seconds"), "payer": {"openid": openid},
            "amount": {"total": total_fen, "payer_total": total_fen, "currency": "CNY", "payer_currency": "CNY"},
            **changes,
        }  # fmt: skip

    def told(self, ledger: dict[str, Any], order_number: str) -> "Notice":
        """The notification of money that the sandbox took, as its ledger has it."""
        taken = next(payment for payment in ledger["payments"] if payment["out_trade_no"] == order_number)
        number, openid, paid = taken["transaction_id"], taken["openid"], taken["paid_fen"]
        return self.notice("transaction", self.payment(order_number, openid, paid, transaction_id=number))

    def refund(self, refund: dict[str, Any], transaction_id: str, total_fen: int, status: str) -> dict[str, Any]:
        """The content of a refund notification, for a refund row of ours."""
        amount = {"total": total_fen, "refund": refund["amount_fen"], "payer_total": total_fen,
                  "payer_refund": refund["amount_fen"]}  # fmt: skip
        return {
            "mchid": self.config.mchid, "out_trade_no": refund["order_number"], "transaction_id": transaction_id,
            "out_refund_no": refund["out_refund_no"], "refund_id": f"503{crypto.random_text(20, '0123456789')}",
            "refund_status": status, "user_received_account": "支付用户零钱", "amount": amount,
        }  # fmt: skip

    def notice(
        self, kind: str, content: dict[str, Any], *, event: str = "", age: float = 0, nonce_length: int = 12
    ) -> Notice:
        """Encrypt and sign. `event` defaults to the success of `kind` or what the refund's status says."""
        default = "TRANSACTION.SUCCESS" if kind == "transaction" else f"REFUND.{content['refund_status']}"
        nonce = crypto.random_text(nonce_length)
        plaintext = json.dumps(content, ensure_ascii=False).encode()
        sealed = crypto.seal(self.config.api_v3_key, plaintext, nonce, kind)
        return self.signed(kind, event or default, {"ciphertext": sealed, "nonce": nonce}, age)

    def signed(self, kind: str, event: str, resource: dict[str, str], age: float = 0) -> Notice:
        """Sign an envelope around a resource that is encrypted already."""
        envelope = {
            "id": f"EV-{crypto.random_text(32, '0123456789')}",
            "create_time": datetime.now(SHANGHAI).isoformat(timespec="seconds"), "resource_type": "encrypt-resource",
            "event_type": event, "summary": "-",
            "resource": {"original_type": kind, "algorithm": "AEAD_AES_256_GCM", "associated_data": kind, **resource},
        }  # fmt: skip
        body = json.dumps(envelope).encode()
        return Notice(kind, self.signer.headers(body, time.time() - age), body)
