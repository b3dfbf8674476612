"""Every endpoint, callback, job and worker that writes, and which things it touches.

What is missing here fails a test: a new endpoint says what it may fight over before it is released.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.campaigns.race import stage
from tests.campaigns.race.scene import Scene
from tests.support import events

Answer = tuple[int, Any]


@dataclass(frozen=True)
class Move:
    """`name`: the operation or function; `ready` makes what it needs; `go` races, with an idempotency key if wanted."""

    name: str
    touches: frozenset[str]
    ready: Callable[[Scene], object]
    go: Callable[[Scene, str | None], Answer]
    variant: str = ""

    def __str__(self) -> str:
        return f"{self.name}-{self.variant}" if self.variant else self.name


def _call(
    name: str, touches: str, method: str, path: str, body: Callable[[Scene], Any] | None = None, *,
    ready: Callable[[Scene], object] | None = None, variant: str = "",
) -> Move:  # fmt: skip
    """A move of the API; `path` names attributes of the scene in braces."""

    def go(scene: Scene, key: str | None) -> Answer:
        return scene.call(method, path.format(scene=scene), body(scene) if body else None, key=key)

    def prepared(scene: Scene) -> object:
        return (ready(scene) if ready else None, path.format(scene=scene), body(scene) if body else None)

    return Move(name, frozenset(touches.split()), prepared, go, variant)


def _line(scene: Scene) -> dict[str, Any]:
    return {"sku_id": str(scene.goods.sku_id), "quantity": 1}


def _plain_draft(scene: Scene) -> dict[str, Any]:
    return scene.plain_draft


def _address(_: Scene) -> dict[str, Any]:
    from tests.campaigns.walk.shopping import ADDRESS

    return ADDRESS


def _log_in(scene: Scene) -> dict[str, Any]:
    return {"code": scene.field.wechat.login_code(scene.shopper.openid)}


def _phone(scene: Scene) -> dict[str, Any]:
    return {"code": scene.field.wechat.phone_code(scene.shopper.openid)}


API = (
    _call("log_in", "session profile", "POST", "/log-in", _log_in),
    _call("log_out", "session", "POST", "/log-out", lambda _: {"everywhere": True}),
    _call("patch_profile", "profile", "PATCH", "/profile", lambda _: {"nickname": "小明"}),
    _call("bind_phone", "profile", "POST", "/profile/phone", _phone),
    _call("post_addresses", "address", "POST", "/addresses", _address),
    _call("put_address", "address", "PUT", "/addresses/{scene.address_id}", _address),
    _call("delete_address", "address", "DELETE", "/addresses/{scene.address_id}"),
    _call("post_cart_lines", "cart", "POST", "/cart/lines", _line),
    _call("patch_cart_lines", "cart", "PATCH", "/cart/lines", lambda _: {"all": True, "selected": False}),
    _call("patch_cart_line", "cart", "PATCH", "/cart/lines/{scene.line_id}", lambda _: {"quantity": 2}),
    _call("delete_cart_line", "cart", "DELETE", "/cart/lines/{scene.line_id}"),
    _call("delete_cart", "cart", "DELETE", "/cart"),
    _call("claim_coupon", "template", "POST", "/coupons/claims", lambda scene: {"template_id": scene.template_id}),
    _call("redeem_coupon_code", "code", "POST", "/coupons/redemptions", lambda scene: {"code": scene.code}),
    _call("place_order", "session cart address coupon template", "POST", "/orders", lambda scene: scene.draft),
    _call("place_order", "stock", "POST", "/orders", _plain_draft, variant="plain"),
    _call("place_order", "group stock", "POST", "/orders", lambda scene: scene.group_draft, variant="group"),
    _call("cancel_order", "order", "POST", "/orders/{scene.number}/cancel"),
    _call("cancel_order", "coupon stock", "POST", "/orders/{scene.number}/cancel", variant="held"),
    _call("pay_order", "order session", "POST", "/orders/{scene.number}/pay"),
    _call("confirm_payment", "order", "POST", "/orders/{scene.number}/confirm-payment"),
)


def _pay(scene: Scene, _: str | None) -> Answer:
    """The shopper confirms, and the platform tells of it at once."""
    said = scene.shopper.confirm(scene.sheet)
    scene.field.wechat.deliver_notifications()
    return 200, said


def _settle_refund(scene: Scene, _: str | None) -> Answer:
    """The platform settles the refund and tells of it; a repetition finds it settled."""
    from infra.local.wechat_sandbox.client import ControlError

    try:
        scene.field.wechat.settle_refund(scene.sent_refund["out_refund_no"])
    except ControlError as error:
        if "SUCCESS" not in str(error):
            raise
    scene.field.wechat.deliver_notifications()
    return 200, None


CALLBACKS = (
    Move("pay_notify", frozenset({"order", "stock"}), lambda scene: scene.number, _pay),
    Move("refund_notify", frozenset({"refund"}), lambda scene: scene.sent_refund, _settle_refund),
)


def _job(name: str, touches: str, ready: Callable[[Scene], object]) -> Move:
    return Move(name, frozenset(touches.split()), ready, lambda scene, _: scene.job(name))


JOBS = (
    _job("close_unpaid_orders", "order stock", lambda scene: scene.expired_number),
    _job("sync_payments", "order", lambda scene: scene.field.let_pass(60, scene.number)),
    _job("finish_open_intents", "order refund", lambda scene: scene.number),
    _job("expire_coupons", "coupon", lambda scene: scene.field.coupons.end(scene.coupon_id)),
    _job("settle_group_buys", "group", lambda scene: scene.group_number),
    _job("relay_outbox", "outbox", lambda scene: scene.number),
    _job("purge_expired_rows", "session outbox", lambda _: None),
)


def _joined(scene: Scene, _: str | None) -> Answer:
    return stage.feed(scene.field, "grant_newcomer_coupons", events.message("member.joined", scene.joined_payload))


def _availability(scene: Scene, _: str | None) -> Answer:
    payload = {"order_number": "-", "sku_ids": [str(scene.goods.sku_id)]}
    return stage.feed(scene.field, "refresh_availability", events.message("order.placed", payload))


def _sales(scene: Scene, _: str | None) -> Answer:
    payload = {"lines": [{"product_id": str(scene.goods.product_id), "quantity": 1}]}
    return stage.feed(scene.field, "record_sales", events.message("order.paid", payload))


def _send_refund(scene: Scene, _: str | None) -> Answer:
    return stage.feed(scene.field, "send_refunds", scene.refund_message())


WORKERS = (
    Move("record_sales", frozenset({"product"}), lambda scene: scene.goods, _sales),
    Move("refresh_availability", frozenset({"stock", "product"}), lambda scene: scene.goods, _availability),
    Move("grant_newcomer_coupons", frozenset({"template"}), lambda scene: scene.newcomer_template, _joined),
    Move("send_refunds", frozenset({"refund"}), lambda scene: scene.refund, _send_refund),
)
MOVES: tuple[Move, ...] = (*API, *CALLBACKS, *JOBS, *WORKERS)
# What writes nothing of the shop's, or runs when nothing else does.
APART = {
    "quote_order": "reads only",
    "check_invariants": "reads only",
    "report_health": "reads only",
    "migrate_database": "runs before any function is replaced",
}


def pairs() -> list[tuple[Move, Move]]:
    """Every two moves that touch the same thing, each with itself too."""
    return [
        (first, second)
        for place, first in enumerate(MOVES)
        for second in MOVES[place:]
        if first is second or first.touches & second.touches
    ]
