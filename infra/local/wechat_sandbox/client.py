"""A small control client for tests and tools."""

from __future__ import annotations

from typing import Any

import urllib3


class ControlError(Exception):
    """The sandbox did not understand a control call; the text says why."""


class SandboxClient:
    """Controls a sandbox at `url`. Every method may raise ControlError or urllib3's HTTPError."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._http = urllib3.PoolManager(timeout=60, retries=False)

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Make one control call and return its JSON."""
        answer = self._http.request(method, f"{self.url}/sandbox/{path}", json=body)
        if answer.status != 200:
            raise ControlError(f"{method} {path}: {answer.status} {answer.data.decode(errors='replace')}")
        return answer.json()

    def create_shopper(self, **given: str) -> dict[str, Any]:
        """Make a shopper (openid, phone, unionid, appid: all optional)."""
        shopper: dict[str, Any] = self.call("POST", "shoppers", given)
        return shopper

    def login_code(self, openid: str) -> str:
        """Play wx.login for a shopper (made if new) and return the code."""
        return str(self.call("POST", "login-codes", {"openid": openid})["code"])

    def phone_code(self, openid: str) -> str:
        """Play the phone button for a shopper and return the code."""
        return str(self.call("POST", "phone-codes", {"openid": openid})["code"])

    def pending_payments(self) -> list[dict[str, Any]]:
        """Return what could be paid now, newest first."""
        found: list[dict[str, Any]] = self.call("GET", "payments")["payments"]
        return found

    def _act(self, action: str, order: str | dict[str, Any], **more: Any) -> dict[str, Any]:
        key = "prepay_id" if isinstance(order, str) else "payment"
        answer: dict[str, Any] = self.call("POST", "payments", {"action": action, key: order, **more})
        return answer

    def confirm_payment(
        self, order: str | dict[str, Any], openid: str | None = None, coupon_fen: int = 0
    ) -> dict[str, Any]:
        """Pay by prepay_id or by the signed wx.requestPayment parameters; return {"errMsg"}."""
        return self._act("confirm", order, openid=openid, coupon_fen=coupon_fen)

    def cancel_payment(self, order: str | dict[str, Any]) -> dict[str, Any]:
        """Cancel at the cashier; the order stays payable."""
        return self._act("cancel", order)

    def walk_away(self, order: str | dict[str, Any]) -> dict[str, Any]:
        """Leave the cashier without a word; errMsg is None."""
        return self._act("walk_away", order)

    def advance(self, seconds: float) -> str:
        """Move the virtual clock and return the platform's time (RFC 3339)."""
        return str(self.call("POST", "clock", {"seconds": seconds})["now"])

    def misbehave(self, name: str, times: int | None = 1, call: str | None = None, value: Any = None) -> dict[str, Any]:
        """Plan a fault for the next `times` calls (None: until cleared) of one kind (None: any that fits)."""
        plan = {"name": name, "call": call, "times": times, "value": value}
        answer: dict[str, Any] = self.call("POST", "faults", plan)
        return answer

    def behave(self, name: str | None = None) -> None:
        """Clear all faults, or those of one name."""
        self.call("DELETE", "faults", {"name": name} if name else {})

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Change settings and return them all."""
        answer: dict[str, Any] = self.call("POST", "settings", changes)
        return answer

    def deliver_notifications(self) -> list[dict[str, Any]]:
        """Settle and deliver what is due now, once; return the deliveries."""
        answer: list[dict[str, Any]] = self.call("POST", "notices")["deliveries"]
        return answer

    def notices(self) -> list[dict[str, Any]]:
        """Return the newest notifications with their deliveries."""
        answer: list[dict[str, Any]] = self.call("GET", "notices")["notices"]
        return answer

    def settle_refund(self, out_refund_no: str, outcome: str = "SUCCESS") -> dict[str, Any]:
        """Settle a refund now as SUCCESS, ABNORMAL or CLOSED."""
        order = {"out_refund_no": out_refund_no, "outcome": outcome}
        answer: dict[str, Any] = self.call("POST", "refunds", order)
        return answer

    def ledger(self) -> dict[str, Any]:
        """Return payments, refunds, entries, totals and differences."""
        answer: dict[str, Any] = self.call("GET", "ledger")
        return answer

    def close(self) -> None:
        """Close the client's connections."""
        self._http.clear()
