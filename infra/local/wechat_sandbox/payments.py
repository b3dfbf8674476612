"""Orders and payments: prepay, query, close, and what the shopper does in WeChat."""

from __future__ import annotations

import datetime as dt
import sqlite3
from typing import Any

from . import crypto, ledger, notices
from .bodies import PrepayRequest, canonical
from .errors import PayError, field_error, invalid_request
from .faults import Call, Fault
from .store import find
from .world import SHANGHAI, World, rfc3339

PREPAY_SECONDS = 2 * 3600
ORDER_SECONDS = 7 * 86400
LONGEST_SECONDS = 90 * 86400
SHORTEST_SECONDS = 60
STATE_TEXTS = {"SUCCESS": "支付成功", "REFUND": "转入退款", "NOTPAY": "订单未支付", "CLOSED": "订单已关闭"}


class PaymentRefusedError(Exception):
    """Why the shopper's WeChat does not take the money; the text is for the developer."""


def prepay(world: World, request: PrepayRequest) -> dict[str, str]:
    """Open an order, or open it again with the identical body; return a new prepay_id that lives 2 hours.

    Raises PayError: ORDER_PAID, ORDER_CLOSED, INVALID_REQUEST (another body), PARAM_ERROR (openid),
    APPID_MCHID_NOT_MATCH.
    """
    _check_parties(world, request)
    now = world.clock.now()
    with world.store.transaction() as tx:
        _check_openid(tx, request)
        order = find(tx, "orders", "out_trade_no", request.out_trade_no)
        if order is None:
            _open(tx, world, request, now)
        else:
            _check_reentry(order, request, now)
        prepay_id = f"wx{_stamp(now, '%d%H%M%S')}{crypto.random_text(26, '0123456789abcdef')}"
        tx.execute(
            "INSERT INTO prepays VALUES (?, ?, ?, ?)",
            (prepay_id, request.out_trade_no, now, now + PREPAY_SECONDS),
        )
    return {"prepay_id": prepay_id}


def _stamp(now: float, layout: str) -> str:
    return dt.datetime.fromtimestamp(now, SHANGHAI).strftime(layout)


def _check_parties(world: World, request: PrepayRequest) -> None:
    if request.mchid != world.config.mchid or request.appid != world.config.appid:
        raise PayError(400, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配，请检查后再试")


def _check_openid(tx: sqlite3.Connection, request: PrepayRequest) -> None:
    sql = "SELECT 1 FROM shoppers WHERE openid = ? AND appid = ?"
    if not tx.execute(sql, (request.payer.openid, request.appid)).fetchone():
        raise field_error("/payer/openid", "无效的openid：不属于该appid", request.payer.openid)


def _check_reentry(order: sqlite3.Row, request: PrepayRequest, now: float) -> None:
    if order["state"] in ("SUCCESS", "REFUND"):
        raise PayError(400, "ORDER_PAID", "该订单已支付")
    if order["state"] == "CLOSED":
        raise PayError(400, "ORDER_CLOSED", "该订单已关闭")
    if order["request"] != canonical(request):
        raise invalid_request("请求重入时，参数与首次请求时不一致")
    if order["expires_at"] <= now:
        raise PayError(400, "ORDER_CLOSED", "订单已过期")


def _open(tx: sqlite3.Connection, world: World, request: PrepayRequest, now: float) -> None:
    tx.execute(
        "INSERT INTO orders (out_trade_no, request, appid, mchid, description, openid, total_fen, attach,"
        " notify_url, expires_at, state, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'NOTPAY', ?)",
        (
            request.out_trade_no, canonical(request), request.appid, request.mchid, request.description,
            request.payer.openid, request.amount.total, request.attach, request.notify_url,
            _expiry(request.time_expire, now), now,
        ),
    )  # fmt: skip


def _expiry(time_expire: str | None, now: float) -> float:
    if time_expire is None:
        return now + ORDER_SECONDS
    asked = dt.datetime.fromisoformat(time_expire).timestamp()
    return min(max(asked, now + SHORTEST_SECONDS), now + LONGEST_SECONDS)


def query(world: World, mchid: str | None, number: str, by: str = "out_trade_no") -> dict[str, Any]:
    """Return the transaction; `by` is out_trade_no or transaction_id. PayError 404 ORDER_NOT_EXIST."""
    check_mchid(world, mchid, "query")
    with world.store.transaction() as tx:
        order = find(tx, "orders", by, number)
    if order is None:
        raise PayError(404, "ORDER_NOT_EXIST", "订单不存在")
    return transaction(order)


def check_mchid(world: World, mchid: str | None, location: str) -> None:
    """Refuse a missing or foreign mchid."""
    if not mchid:
        raise field_error("/mchid", "缺少mchid", location=location)
    if mchid != world.config.mchid:
        raise field_error("/mchid", "商户号与签名商户不一致", mchid, location)


def transaction(order: sqlite3.Row) -> dict[str, Any]:
    """Return the order in the platform's words; what belongs to a payment is left out until there is one."""
    answer: dict[str, Any] = {
        "appid": order["appid"],
        "mchid": order["mchid"],
        "out_trade_no": order["out_trade_no"],
        "trade_state": order["state"],
        "trade_state_desc": STATE_TEXTS[order["state"]],
        "payer": {"openid": order["openid"]},
        "amount": {"total": order["total_fen"], "currency": "CNY"},
    }
    return answer | (_paid_part(order) if order["paid_at"] is not None else {})


def _paid_part(order: sqlite3.Row) -> dict[str, Any]:
    coupon = order["total_fen"] - order["payer_fen"]
    return {
        "transaction_id": order["transaction_id"],
        "trade_type": "JSAPI",
        "bank_type": "OTHERS",
        "attach": order["attach"] or "",
        "success_time": rfc3339(order["paid_at"]),
        "amount": {
            "total": order["total_fen"],
            "payer_total": order["payer_fen"],
            "currency": "CNY",
            "payer_currency": "CNY",
        },
        "promotion_detail": [_coupon(coupon)] if coupon else [],
    }


def _coupon(amount_fen: int) -> dict[str, Any]:
    return {
        "coupon_id": "109519",
        "name": "沙箱代金券",
        "scope": "GLOBAL",
        "type": "NOCASH",
        "amount": amount_fen,
        "wechatpay_contribute": amount_fen,
        "merchant_contribute": 0,
        "other_contribute": 0,
        "currency": "CNY",
        "goods_detail": [],
    }


def close(world: World, mchid: str, out_trade_no: str) -> None:
    """Close an unpaid order; repeatable. PayError: ORDER_PAID, ORDER_NOT_EXIST."""
    check_mchid(world, mchid, "body")
    with world.store.transaction() as tx:
        order = find(tx, "orders", "out_trade_no", out_trade_no)
        if order is None:
            raise PayError(404, "ORDER_NOT_EXIST", "订单不存在")
        paid = order["state"] in ("SUCCESS", "REFUND")
        if order["state"] == "NOTPAY":
            paid = _close_unless_paid_first(tx, world, order)
    # Outside the transaction, so that a payment which won the race stays committed.
    if paid:
        raise PayError(400, "ORDER_PAID", "该订单已支付")


def _close_unless_paid_first(tx: sqlite3.Connection, world: World, order: sqlite3.Row) -> bool:
    if world.faults.take(Fault.PAY_FIRST, Call.CLOSE):
        _pay(tx, world, order, 0)
        return True
    tx.execute(
        "UPDATE orders SET state = 'CLOSED', closed_at = ? WHERE out_trade_no = ?",
        (world.clock.now(), order["out_trade_no"]),
    )
    return False


def close_stale(world: World) -> None:
    """Close what stayed unpaid for seven days, as the platform does by itself (later if it expires later)."""
    now = world.clock.now()
    with world.store.transaction() as tx:
        tx.execute(
            "UPDATE orders SET state = 'CLOSED', closed_at = ?"
            " WHERE state = 'NOTPAY' AND created_at <= ? AND expires_at <= ?",
            (now, now - ORDER_SECONDS, now),
        )


def confirm(world: World, prepay_id: str, coupon_fen: int = 0) -> str:
    """Pay with the shopper's money, less a platform coupon; return the transaction_id.

    Raises PaymentRefusedError: unknown or expired prepay_id, order paid, closed or past its time_expire.
    """
    with world.store.transaction() as tx:
        order = _payable(tx, world, prepay_id)
        if isinstance(coupon_fen, bool) or not 0 <= coupon_fen < order["total_fen"]:
            raise PaymentRefusedError("the coupon must be less than the order")
        return _pay(tx, world, order, coupon_fen)


def _payable(tx: sqlite3.Connection, world: World, prepay_id: str) -> sqlite3.Row:
    now = world.clock.now()
    row = tx.execute("SELECT * FROM prepays WHERE prepay_id = ?", (prepay_id,)).fetchone()
    if row is None:
        raise PaymentRefusedError("unknown prepay_id")
    order = find(tx, "orders", "out_trade_no", row["out_trade_no"])
    if order is None or order["state"] != "NOTPAY":
        raise PaymentRefusedError("the order is paid or closed")
    if row["expires_at"] <= now:
        raise PaymentRefusedError("the prepay_id is older than two hours")
    if order["expires_at"] <= now:
        raise PaymentRefusedError("the order is past its time_expire")
    return order


def _pay(tx: sqlite3.Connection, world: World, order: sqlite3.Row, coupon_fen: int) -> str:
    now = world.clock.now()
    transaction_id = f"42000{_stamp(now, '%Y%m%d')}{crypto.random_text(15, '0123456789')}"
    tx.execute(
        "UPDATE orders SET state = 'SUCCESS', paid_at = ?, transaction_id = ?, payer_fen = ?,"
        " shopper_action = 'confirmed' WHERE out_trade_no = ?",
        (now, transaction_id, order["total_fen"] - coupon_fen, order["out_trade_no"]),
    )
    ledger.book(tx, now, "PAYMENT", order["out_trade_no"], order["total_fen"])
    paid = find(tx, "orders", "transaction_id", transaction_id)
    assert paid is not None  # noqa: S101 (updated above)
    notices.enqueue(
        tx, world, Call.PAYMENT_NOTICE, "TRANSACTION.SUCCESS", paid["out_trade_no"], paid["notify_url"],
        transaction(paid),
    )  # fmt: skip
    return transaction_id


def note_action(world: World, prepay_id: str, action: str) -> None:
    """Remember that the shopper cancelled or walked away; the order stays payable. PaymentRefusedError as above."""
    with world.store.transaction() as tx:
        order = _payable(tx, world, prepay_id)
        tx.execute("UPDATE orders SET shopper_action = ? WHERE out_trade_no = ?", (action, order["out_trade_no"]))


def pending(world: World) -> list[dict[str, Any]]:
    """Return what a shopper could pay now, newest first: the newest living prepay_id of each order."""
    now = world.clock.now()
    with world.store.transaction() as tx:
        rows = tx.execute(
            "SELECT MAX(p.rowid) AS newest, p.prepay_id, o.out_trade_no, o.description, o.total_fen, o.openid,"
            " o.shopper_action, MIN(o.expires_at, p.expires_at) AS expires_at"
            " FROM orders o JOIN prepays p USING (out_trade_no)"
            " WHERE o.state = 'NOTPAY' AND o.expires_at > ? AND p.expires_at > ?"
            " GROUP BY o.out_trade_no ORDER BY newest DESC",
            (now, now),
        ).fetchall()
    found = [dict(row) | {"expires_at": rfc3339(row["expires_at"])} for row in rows]
    for payment in found:
        del payment["newest"]
    return found
