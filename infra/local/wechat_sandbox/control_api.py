"""The control API under /sandbox/: JSON in, JSON out, for tests and tools. Mistakes are 400 {"error"}."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule
from werkzeug.wrappers import Request, Response

from . import cashier, ledger, notices, notifier, payments, refunds, shoppers
from .errors import PayError
from .world import World, rfc3339


class Control:
    """The verbs of the control API; each takes the request's JSON object and returns JSON."""

    def __init__(self, world: World, postman: notifier.Notifier) -> None:
        self.world, self.postman = world, postman

    def create_shopper(self, given: dict[str, Any]) -> Any:
        """Make a shopper: {openid?, phone?, unionid?, appid?} -> the shopper."""
        return shoppers.create(self.world, **_only(given, "openid", "phone", "unionid", "appid"))

    def login_code(self, given: dict[str, Any]) -> Any:
        """Play wx.login: {openid} -> {code}."""
        return {"code": shoppers.mint_code(self.world, "login", _text(given, "openid"))}

    def phone_code(self, given: dict[str, Any]) -> Any:
        """Play the phone button: {openid} -> {code}."""
        return {"code": shoppers.mint_code(self.world, "phone", _text(given, "openid"))}

    def pending(self, given: dict[str, Any]) -> Any:
        """List what a shopper could pay now."""
        return {"payments": payments.pending(self.world)}

    def act(self, given: dict[str, Any]) -> Any:
        """Play wx.requestPayment: {action, prepay_id | payment{...}, openid?, coupon_fen?} -> {errMsg}."""
        order = given.get("payment", given.get("prepay_id"))
        return cashier.act(self.world, _text(given, "action"), order, given.get("openid"), given.get("coupon_fen", 0))

    def advance(self, given: dict[str, Any]) -> Any:
        """Move the virtual clock: {seconds} -> {now}; refunds and stale orders settle, nothing is delivered."""
        now = self.world.clock.advance(given.get("seconds", 0))
        notifier.settle_due(self.world)
        return {"now": rfc3339(now)}

    def clock(self, given: dict[str, Any]) -> Any:
        """Tell the platform's time."""
        return {"now": rfc3339(self.world.clock.now())}

    def plan_fault(self, given: dict[str, Any]) -> Any:
        """Plan a misbehaviour: {name, call?, times? (1; null = until cleared), value?}."""
        planned = self.world.faults.plan(
            _text(given, "name"), given.get("call"), given.get("times", 1), given.get("value")
        )
        return planned.describe()

    def faults(self, given: dict[str, Any]) -> Any:
        """List what is planned."""
        return {"faults": self.world.faults.listing()}

    def clear_faults(self, given: dict[str, Any]) -> Any:
        """Clear {name?}, or everything."""
        self.world.faults.clear(given.get("name"))
        return self.faults({})

    def settings(self, given: dict[str, Any]) -> Any:
        """Change settings (POST) and return them all."""
        return dataclasses.asdict(self.world.change_settings(given))

    def deliver(self, given: dict[str, Any]) -> Any:
        """Settle and deliver what is due, now -> {deliveries}."""
        return {"deliveries": [notifier.describe(self.world, d) for d in self.postman.run_due()]}

    def notices(self, given: dict[str, Any]) -> Any:
        """List the newest notifications with their deliveries."""
        return {"notices": notices.recent(self.world)}

    def settle_refund(self, given: dict[str, Any]) -> Any:
        """Settle a refund now: {out_refund_no, outcome SUCCESS|ABNORMAL|CLOSED} -> the refund."""
        return refunds.settle(self.world, _text(given, "out_refund_no"), _text(given, "outcome"))

    def ledger(self, given: dict[str, Any]) -> Any:
        """Dump the books."""
        return ledger.dump(self.world)


_ROUTES: tuple[tuple[str, str, Callable[[Control, dict[str, Any]], Any]], ...] = (
    ("POST", "/sandbox/shoppers", Control.create_shopper),
    ("POST", "/sandbox/login-codes", Control.login_code),
    ("POST", "/sandbox/phone-codes", Control.phone_code),
    ("GET", "/sandbox/payments", Control.pending),
    ("POST", "/sandbox/payments", Control.act),
    ("GET", "/sandbox/clock", Control.clock),
    ("POST", "/sandbox/clock", Control.advance),
    ("GET", "/sandbox/faults", Control.faults),
    ("POST", "/sandbox/faults", Control.plan_fault),
    ("DELETE", "/sandbox/faults", Control.clear_faults),
    ("GET", "/sandbox/settings", Control.settings),
    ("POST", "/sandbox/settings", Control.settings),
    ("GET", "/sandbox/notices", Control.notices),
    ("POST", "/sandbox/notices", Control.deliver),
    ("POST", "/sandbox/refunds", Control.settle_refund),
    ("GET", "/sandbox/ledger", Control.ledger),
)
HANDLERS = {f"control {method} {path}": handler for method, path, handler in _ROUTES}


def rules() -> list[Rule]:
    """Return the routes; an endpoint is a key of HANDLERS."""
    return [Rule(path, methods=[method], endpoint=f"control {method} {path}") for method, path, _ in _ROUTES]


def respond(control: Control, request: Request, endpoint: str) -> Response:
    """Answer one call: 200 JSON, or 400 {"error"} that says what was wrong."""
    try:
        status, content = 200, HANDLERS[endpoint](control, _body(request))
    except (ValueError, TypeError, PayError) as error:
        status, content = 400, {"error": str(error)}
    body = json.dumps(content, ensure_ascii=False)
    return Response(body, status=status, content_type="application/json; charset=utf-8")


def _body(request: Request) -> dict[str, Any]:
    if request.method == "GET" or not request.get_data():
        return {}
    if request.mimetype != "application/json":
        raise ValueError("Content-Type must be application/json")
    content = json.loads(request.get_data())
    if not isinstance(content, dict):
        raise ValueError("a JSON object is needed")
    return content


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name}: a text is needed")
    return value


def _only(given: dict[str, Any], *names: str) -> dict[str, str | None]:
    for name, value in given.items():
        if name not in names or not isinstance(value, str | None):
            raise ValueError(f"{name}: unknown, or not a text")
    return given
