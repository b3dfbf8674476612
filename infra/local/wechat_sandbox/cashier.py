"""The shopper's side of wx.requestPayment: what the mini-program passes is checked as WeChat checks it."""

from __future__ import annotations

from typing import Any

from . import crypto, payments
from .payments import PaymentRefusedError
from .world import World

OK = "requestPayment:ok"
CANCEL = "requestPayment:fail cancel"
ACTIONS = ("confirm", "cancel", "walk_away")


def act(world: World, action: str, order: Any, openid: str | None = None, coupon_fen: int = 0) -> dict[str, Any]:
    """Carry out the shopper's choice and return what the mini-program's callback gets.

    `order` is a prepay_id, or the parameters of wx.requestPayment (then paySign is checked with the merchant's
    key). A shopper who walks away triggers no callback: errMsg is null. ValueError for an unknown action.
    A wrong paySign looks as if the shopper had cancelled, as it does in WeChat.
    """
    if action not in ACTIONS:
        raise ValueError(f"action must be one of {', '.join(ACTIONS)}")
    try:
        prepay_id = order if isinstance(order, str) else _signed_prepay_id(world, order)
        _check_payer(world, prepay_id, openid)
        return _carry_out(world, action, prepay_id, coupon_fen)
    except PaymentRefusedError as refusal:
        return {"errMsg": f"requestPayment:fail {refusal}"}


def _carry_out(world: World, action: str, prepay_id: str, coupon_fen: int) -> dict[str, Any]:
    if action == "confirm":
        payments.confirm(world, prepay_id, coupon_fen)
        return {"errMsg": OK}
    payments.note_action(world, prepay_id, "cancelled" if action == "cancel" else "walked away")
    return {"errMsg": CANCEL if action == "cancel" else None}


def _signed_prepay_id(world: World, given: Any) -> str:
    names = ("timeStamp", "nonceStr", "package", "signType", "paySign")
    for name in names:
        value = given.get(name) if isinstance(given, dict) else None
        if not isinstance(value, str) or not value:
            raise PaymentRefusedError(f"parameter error: parameter.{name} should be a non-empty String")
    stamp, nonce, package = given["timeStamp"], given["nonceStr"], given["package"]
    message = crypto.lines(world.config.appid, stamp, nonce, package)
    well_formed = stamp.isdigit() and package.startswith("prepay_id=") and given["signType"] == "RSA"
    if not well_formed or not crypto.verify(world.config.merchant_key, message, given["paySign"]):
        raise PaymentRefusedError("cancel")
    return str(package.removeprefix("prepay_id="))


def _check_payer(world: World, prepay_id: str, openid: str | None) -> None:
    if openid is None:
        return
    with world.store.transaction() as tx:
        row = tx.execute(
            "SELECT o.openid FROM orders o JOIN prepays p USING (out_trade_no) WHERE p.prepay_id = ?",
            (prepay_id,),
        ).fetchone()
    if row and row["openid"] != openid:
        raise PaymentRefusedError("the order belongs to another openid")
