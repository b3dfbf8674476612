"""A merchant for the sandbox's tests: wechatpayv3 as the independent oracle, and a place to be notified at."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import urllib3
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.utils import build_authorization
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from infra.local.wechat_sandbox.server import SandboxServer

OPENID = "oShopperNumberOne"


@cache
def private_key(pem: str) -> Any:
    """Load a key once: its checks take tens of milliseconds."""
    return load_pem_private_key(pem.encode(), None)


class Mailbox:
    """A notify_url that remembers what arrived and answers `status`."""

    def __init__(self) -> None:
        self.status = 204
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.server = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}/notify"

    def _answer(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        self.received.append((dict(request.headers), request.get_data()))
        return Response(status=self.status)(environ, start_response)


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """Serve a mailbox on a free port."""
    box = Mailbox()
    thread = threading.Thread(target=box.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield box
    box.server.shutdown()
    thread.join()
    box.server.server_close()


class Merchant:
    """Calls one sandbox with wechatpayv3, and by hand where a request must be wrong."""

    def __init__(self, sandbox: SandboxServer, notify_url: str, certificate_mode: bool = False) -> None:
        self.sandbox, self.notify_url = sandbox, notify_url
        self.secret: dict[str, Any] = sandbox.config.merchant_secret()
        self.http = urllib3.PoolManager(retries=False, timeout=5)
        self.pay = self._oracle(certificate_mode)

    def _oracle(self, certificate_mode: bool) -> WeChatPay:
        key_id = self.sandbox.config.platform_public_key_id
        public = {"public_key": self.secret["platform_public_keys"][key_id], "public_key_id": key_id}
        with _gateway(self.sandbox.url):
            oracle = WeChatPay(
                WeChatPayType.MINIPROG,
                self.secret["mchid"],
                self.secret["merchant_private_key"],
                self.secret["merchant_serial"],
                self.secret["app_id"],
                self.secret["api_v3_key"],
                notify_url=self.notify_url,
                timeout=5,
                **({} if certificate_mode else public),
            )
        oracle._core._gate_way = self.sandbox.url
        return oracle

    def prepay(self, number: str = "ORDER-1", total: int = 990, **more: Any) -> tuple[int, dict[str, Any]]:
        """Open an order for the test's shopper."""
        self.sandbox.client.create_shopper(openid=OPENID)
        status, text = self.pay.pay(
            description="红富士苹果 5斤", out_trade_no=number, amount={"total": total, "currency": "CNY"},
            payer={"openid": OPENID}, **more,
        )  # fmt: skip
        return status, json.loads(text)

    def paid(self, number: str = "ORDER-1", total: int = 990, coupon_fen: int = 0) -> None:
        """Open an order and let the shopper pay it."""
        answer = self.prepay(number, total)[1]
        done = self.sandbox.client.confirm_payment(self.parameters(answer["prepay_id"]), coupon_fen=coupon_fen)
        assert done == {"errMsg": "requestPayment:ok"}

    def parameters(self, prepay_id: str) -> dict[str, str]:
        """Sign the parameters of wx.requestPayment with the oracle."""
        package = f"prepay_id={prepay_id}"
        sign = self.pay.sign([self.secret["app_id"], "1700000000", "nonce", package])
        return {
            "timeStamp": "1700000000", "nonceStr": "nonce", "package": package, "signType": "RSA",
            "paySign": sign,
        }  # fmt: skip

    def query(self, number: str = "ORDER-1") -> tuple[int, dict[str, Any]]:
        """Query by our number."""
        status, text = self.pay.query(out_trade_no=number)
        return status, json.loads(text)

    def refund(self, number: str = "R1", refund: int = 100, total: int = 990, **more: Any) -> tuple[int, Any]:
        """Ask for a refund of ORDER-1."""
        more = {"out_trade_no": "ORDER-1", **more}
        amount = {"refund": refund, "total": total, "currency": "CNY"}
        status, text = self.pay.refund(out_refund_no=number, amount=amount, **more)
        return status, json.loads(text)

    def refund_status(self, number: str = "R1") -> str:
        """Query a refund."""
        return str(json.loads(self.pay.query_refund(number)[1])["status"])

    def raw(
        self, method: str, path: str, body: Any = None, authorization: str | None = None, **headers: str | None
    ) -> urllib3.BaseHTTPResponse:
        """Call Pay v3 by hand, well signed unless told otherwise; a header given as None is left out."""
        key = private_key(self.secret["merchant_private_key"])
        text = body if isinstance(body, str) else json.dumps(body) if body is not None else ""
        signed = build_authorization(path, method, self.secret["mchid"], self.secret["merchant_serial"], key, data=text)
        given = {
            "Authorization": authorization or signed, "Accept": "application/json",
            "Content-Type": "application/json", "User-Agent": "test",
        } | {name.replace("_", "-"): value for name, value in headers.items()}  # fmt: skip
        sent = {name: value for name, value in given.items() if value is not None}
        return self.http.request(method, self.sandbox.url + path, body=text.encode() or None, headers=sent)

    def body(self, **changes: Any) -> dict[str, Any]:
        """Return a right prepay body with changes; a change to None leaves the field out."""
        right = {
            "appid": self.secret["app_id"], "mchid": self.secret["mchid"], "description": "苹果",
            "out_trade_no": "ORDER-1", "notify_url": self.notify_url, "amount": {"total": 990},
            "payer": {"openid": OPENID},
        } | changes  # fmt: skip
        return {name: value for name, value in right.items() if value is not None}


@contextmanager
def _gateway(url: str) -> Iterator[None]:
    """Let wechatpayv3 talk to the sandbox: its gateway is fixed in the constructor of its core."""
    from wechatpayv3.core import Core

    original = Core.request

    def request(core: Any, *args: Any, **kwargs: Any) -> Any:
        core._gate_way = url
        return original(core, *args, **kwargs)

    Core.request = request
    try:
        yield
    finally:
        Core.request = original
