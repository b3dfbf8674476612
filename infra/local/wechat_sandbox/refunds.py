"""Refunds: acceptance with the platform's limits, settlement as success, closed or abnormal, query."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from typing import Any

from . import crypto, ledger, notices
from .bodies import AbnormalRefundRequest, RefundRequest, canonical
from .errors import PayError, field_error, invalid_request
from .faults import Call, Fault
from .store import find
from .world import SHANGHAI, World, rfc3339

MOST_REFUNDS = 50
GAP_SECONDS = 60
LONGEST_SECONDS = 365 * 86400
OUTCOMES = ("SUCCESS", "ABNORMAL", "CLOSED", "HOLD")


def accept(world: World, request: RefundRequest) -> dict[str, Any]:
    """Accept a refund (PROCESSING), or answer the same number with what became of it.

    Raises PayError: RESOURCE_NOT_EXISTS, INVALID_REQUEST, FREQUENCY_LIMITED, NOT_ENOUGH, PARAM_ERROR.
    """
    with world.store.transaction() as tx:
        known = find(tx, "refunds", "out_refund_no", request.out_refund_no)
        if known is not None:
            if known["request"] != canonical(request):
                raise invalid_request("退款请求重入时，参数与首次请求时不一致")
            return _answer(tx, known)
        order = _order_of(tx, request)
        _check(tx, world, order, request)
        _insert(tx, world, order, request)
        return _answer(tx, _get(tx, request.out_refund_no))


def _order_of(tx: sqlite3.Connection, request: RefundRequest) -> sqlite3.Row:
    if request.transaction_id is None and request.out_trade_no is None:
        raise field_error("/transaction_id", "transaction_id与out_trade_no须二选一")
    order: sqlite3.Row | None = tx.execute(
        "SELECT * FROM orders WHERE transaction_id = COALESCE(?, transaction_id, '')"
        " AND out_trade_no = COALESCE(?, out_trade_no)",
        (request.transaction_id, request.out_trade_no),
    ).fetchone()
    if order is None:
        raise PayError(404, "RESOURCE_NOT_EXISTS", "订单不存在或未支付")
    return order


def _check(tx: sqlite3.Connection, world: World, order: sqlite3.Row, request: RefundRequest) -> None:
    now = world.clock.now()
    if request.amount.total != order["total_fen"]:
        raise invalid_request("订单金额与原订单不一致")
    if request.amount.from_ and sum(part.amount for part in request.amount.from_) != request.amount.refund:
        raise invalid_request("退款出资金额之和与退款金额不一致")
    if now - order["paid_at"] > LONGEST_SECONDS:
        raise invalid_request("交易已超过一年，不能退款")
    _check_earlier(tx, world, order, request, now)
    if world.faults.take(Fault.NOT_ENOUGH, Call.REFUND):
        raise PayError(403, "NOT_ENOUGH", "基本账户余额不足，请充值后重新发起")


def _check_earlier(
    tx: sqlite3.Connection, world: World, order: sqlite3.Row, request: RefundRequest, now: float
) -> None:
    sql = "SELECT * FROM refunds WHERE out_trade_no = ? ORDER BY created_at DESC"
    earlier = tx.execute(sql, (order["out_trade_no"],)).fetchall()
    spoken_for = sum(row["refund_fen"] for row in earlier if row["status"] != "CLOSED")
    if spoken_for + request.amount.refund > order["total_fen"]:
        raise invalid_request("申请退款金额大于订单可退金额")
    if len(earlier) >= MOST_REFUNDS:
        raise invalid_request("该订单的退款次数已达50次")
    if world.settings.minute_between_refunds and earlier and now - earlier[0]["created_at"] < GAP_SECONDS:
        raise PayError(429, "FREQUENCY_LIMITED", "同一订单的两次退款须间隔1分钟")


def _insert(tx: sqlite3.Connection, world: World, order: sqlite3.Row, request: RefundRequest) -> None:
    now = world.clock.now()
    planned = world.faults.take(Fault.REFUND_OUTCOME, Call.REFUND)
    day = dt.datetime.fromtimestamp(now, SHANGHAI).strftime("%Y%m%d")
    # The shopper's share of a couponed order: floor, as the platform's own rounding is not published.
    payer_refund = order["payer_fen"] * request.amount.refund // order["total_fen"]
    tx.execute(
        "INSERT INTO refunds VALUES (?, ?, ?, ?, ?, ?, ?, 'PROCESSING', ?, ?, ?, NULL)",
        (
            request.out_refund_no, f"50300{day}{crypto.random_text(16, '0123456789')}", order["out_trade_no"],
            canonical(request), request.amount.refund, payer_refund, request.notify_url,
            str(planned.value or "ABNORMAL") if planned else "SUCCESS",
            now + world.settings.refund_delay_seconds, now,
        ),
    )  # fmt: skip
    if world.settings.refund_state_on == "accepted":
        _show_refund(tx, order["out_trade_no"])


def _show_refund(tx: sqlite3.Connection, out_trade_no: str) -> None:
    tx.execute("UPDATE orders SET state = 'REFUND' WHERE out_trade_no = ?", (out_trade_no,))


def _get(tx: sqlite3.Connection, out_refund_no: str) -> sqlite3.Row:
    row = find(tx, "refunds", "out_refund_no", out_refund_no)
    if row is None:
        raise PayError(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
    return row


def query(world: World, out_refund_no: str) -> dict[str, Any]:
    """Return the refund. PayError 404 RESOURCE_NOT_EXISTS."""
    with world.store.transaction() as tx:
        return _answer(tx, _get(tx, out_refund_no))


def _answer(tx: sqlite3.Connection, refund: sqlite3.Row) -> dict[str, Any]:
    order = _order(tx, refund)
    answer = _common(refund, order) | {
        "channel": "ORIGINAL",
        "status": refund["status"],
        "create_time": rfc3339(refund["created_at"]),
        "funds_account": "AVAILABLE",
        "promotion_detail": [],
    }
    asked = json.loads(refund["request"])["amount"]
    answer["amount"] |= {
        "from": asked.get("from") or [],
        "currency": "CNY",
        "discount_refund": refund["refund_fen"] - refund["payer_refund_fen"],
        "settlement_refund": refund["refund_fen"],
        "settlement_total": order["total_fen"],
    }
    return answer


def _order(tx: sqlite3.Connection, refund: sqlite3.Row) -> sqlite3.Row:
    sql = "SELECT * FROM orders WHERE out_trade_no = ?"
    order: sqlite3.Row = tx.execute(sql, (refund["out_trade_no"],)).fetchone()
    return order


def _common(refund: sqlite3.Row, order: sqlite3.Row) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "out_trade_no": order["out_trade_no"],
        "transaction_id": order["transaction_id"],
        "out_refund_no": refund["out_refund_no"],
        "refund_id": refund["refund_id"],
        "user_received_account": "支付用户零钱",
        "amount": {
            "total": order["total_fen"],
            "refund": refund["refund_fen"],
            "payer_total": order["payer_fen"],
            "payer_refund": refund["payer_refund_fen"],
        },
    }
    settled = refund["status"] == "SUCCESS"
    return answer | ({"success_time": rfc3339(refund["settled_at"])} if settled else {})


def settle(world: World, out_refund_no: str, outcome: str) -> dict[str, Any]:
    """Settle a refund now as SUCCESS, ABNORMAL or CLOSED, queue its notification and return the refund.

    An abnormal refund may still succeed or close. ValueError when the move is impossible; PayError 404.
    """
    if outcome not in OUTCOMES[:3]:
        raise ValueError("outcome must be SUCCESS, ABNORMAL or CLOSED")
    with world.store.transaction() as tx:
        refund = _get(tx, out_refund_no)
        if refund["status"] in ("SUCCESS", "CLOSED", outcome):
            raise ValueError(f"a refund that is {refund['status']} cannot become {outcome}")
        return _settle(tx, world, refund, outcome)


def _settle(tx: sqlite3.Connection, world: World, refund: sqlite3.Row, outcome: str) -> dict[str, Any]:
    now = world.clock.now()
    tx.execute(
        "UPDATE refunds SET status = ?, settled_at = ? WHERE out_refund_no = ?",
        (outcome, now, refund["out_refund_no"]),
    )
    if outcome == "SUCCESS":
        ledger.book(tx, now, "REFUND", refund["out_refund_no"], refund["refund_fen"])
        _show_refund(tx, refund["out_trade_no"])
    settled = _get(tx, refund["out_refund_no"])
    if settled["notify_url"]:
        content = _common(settled, _order(tx, settled))
        content |= {"mchid": world.config.mchid, "refund_status": outcome}
        notices.enqueue(
            tx, world, Call.REFUND_NOTICE, f"REFUND.{outcome}", settled["out_refund_no"],
            settled["notify_url"], content,
        )  # fmt: skip
    return _answer(tx, settled)


def settle_due(world: World) -> None:
    """Settle every accepted refund whose time has come, as it was planned."""
    sql = "SELECT * FROM refunds WHERE status = 'PROCESSING' AND outcome <> 'HOLD' AND settle_at <= ?"
    with world.store.transaction() as tx:
        for refund in tx.execute(sql + " ORDER BY settle_at, rowid", (world.clock.now(),)).fetchall():
            _settle(tx, world, refund, refund["outcome"])


def retry_abnormal(world: World, refund_id: str, request: AbnormalRefundRequest) -> dict[str, Any]:
    """Send an abnormal refund to another account: it is PROCESSING again and then succeeds."""
    with world.store.transaction() as tx:
        refund = find(tx, "refunds", "refund_id", refund_id)
        if refund is None or refund["out_refund_no"] != request.out_refund_no:
            raise PayError(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
        if refund["status"] != "ABNORMAL":
            raise invalid_request("退款单不是异常状态")
        tx.execute(
            "UPDATE refunds SET status = 'PROCESSING', outcome = 'SUCCESS', settle_at = ?, settled_at = NULL"
            " WHERE refund_id = ?",
            (world.clock.now() + world.settings.refund_delay_seconds, refund_id),
        )
        return _answer(tx, _get(tx, request.out_refund_no))
