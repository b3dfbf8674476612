"""Place an order: two round trips of its own (one read packet, one write packet) inside the edge's transaction."""

import json
from datetime import datetime
from typing import Any

from orchard.cart import service as cart
from orchard.core.clock import from_database
from orchard.core.errors import AppError, Conflict
from orchard.core.ids import new_id, new_order_number
from orchard.inventory import service as inventory
from orchard.inventory.service import OutOfStock, StockLine
from orchard.orders import store
from orchard.orders.campaigns.campaign import Placing
from orchard.orders.campaigns.entering import LOST
from orchard.orders.models import OrderState
from orchard.orders.schemas.placing import OrderDraft, PlacedOrder, Quote
from orchard.orders.service import sealing
from orchard.orders.service.quote import Evaluation, evaluate
from orchard.orders.service.transitions import locked_order, record_payment
from orchard.runtime import outbox, settings
from orchard.runtime.database import Tx
from orchard.runtime.sessions import MemberSession

# Errors of the write packet that say: somebody else took the last one since it was read.
_LOST: tuple[type[AppError], ...] = (OutOfStock, *LOST)


class QuoteChanged(Conflict):
    """Prices or stock changed since the quote; `quote` in the answer is the new one to show and agree to."""

    code = "quote_changed"
    message = "商品价格或库存有变化，请确认后重新提交"


class OrderNotPlaceable(Conflict):
    """The quote itself says why it cannot be placed; `quote` in the answer lists the problems."""

    code = "order_not_placeable"
    message = "部分商品或配送方式暂时无法下单"


def place_order(tx: Tx, member: MemberSession, draft: OrderDraft) -> PlacedOrder:
    """Reserve the stock and freeze the price. Raises QuoteChanged, OrderNotPlaceable, NotFound (address).

    Cart lines of the bought SKUs go when `from_cart`. An order that costs nothing is paid at once.
    """
    evaluation = evaluate(tx, member, draft, placing=True)
    _check(draft, evaluation.quote)
    number = new_order_number()
    try:
        expires_at = _write(tx, member, draft, evaluation, number)
    except _LOST:
        # Somebody was faster. Nothing may stay half-written, and the shopper is shown what is left.
        tx.rollback()
        raise QuoteChanged(quote=evaluate(tx, member, draft, placing=True).quote.model_dump(mode="json")) from None
    payable_fen = evaluation.priced.payable_fen
    state = OrderState.PENDING_PAY if payable_fen else _paid_with_nothing(tx, number)
    return PlacedOrder(order_number=number, state=state, payable_fen=payable_fen, expires_at=expires_at)


def _paid_with_nothing(tx: Tx, number: str) -> OrderState:
    order = locked_order(tx, number)
    if order is None:
        raise RuntimeError("the order just placed is missing")
    return record_payment(tx, order)


def _check(draft: OrderDraft, quote: Quote) -> None:
    if quote.digest != draft.quote_digest:
        raise QuoteChanged(quote=quote.model_dump(mode="json"))
    if quote.problems:
        raise OrderNotPlaceable(quote=quote.model_dump(mode="json"))


def _write(tx: Tx, member: MemberSession, draft: OrderDraft, evaluation: Evaluation, number: str) -> datetime:
    """Everything in one packet: private rows first, then what campaigns claim, the shared stock rows last.

    Returns when the order expires.
    """
    order_id = new_id()
    wants = [(new_id(), line.sku_id, line.quantity) for line in evaluation.priced.lines]
    held = inventory.allocate(evaluation.stock, wants)
    sku_ids = sorted(line.sku_id for line in held)
    minutes = settings.payment().minutes
    placing = Placing(order_id, number, member.member_id, minutes, held, evaluation.priced)
    packet = [
        store.insert_order(_order_values(order_id, number, member, draft, evaluation), minutes),
        store.expiry(order_id),
        store.insert_lines(_line_values(order_id, held, evaluation)),
        store.insert_event(order_id, 1, (None, OrderState.PENDING_PAY.value), "member", "placed"),
        outbox.emit("order.placed", number, {"order_number": number, "sku_ids": [str(sku_id) for sku_id in sku_ids]}),
        *([cart.remove_skus_statement(member.member_id, sku_ids)] if draft.from_cart else []),
        *evaluation.entered.claim_statements(placing),
        *inventory.reserve(order_id, held),
    ]
    return from_database(tx.packet(packet)[1].rows[0]["expires_at"])


def _order_values(
    order_id: int, number: str, member: MemberSession, draft: OrderDraft, evaluation: Evaluation
) -> dict[str, Any]:
    priced, address = evaluation.priced, evaluation.address
    return {
        "id": order_id,
        "order_number": number,
        "member_id": member.member_id,
        "state": OrderState.PENDING_PAY.value,
        "version": 1,
        "delivery_method": draft.delivery.method.value,
        "store_id": draft.delivery.store_id,
        "region_code": address.region_code if address else None,
        "address_sealed": sealing.seal(order_id, address),
        "remark": draft.remark,
        "line_count": len(priced.lines),
        "goods_fen": priced.goods_fen,
        "discount_fen": priced.discount_fen,
        "freight_fen": priced.freight_fen,
        "payable_fen": priced.payable_fen,
        "trace": json.dumps(priced.trace_json(), ensure_ascii=False),
    }


def _line_values(order_id: int, held: list[StockLine], evaluation: Evaluation) -> list[dict[str, Any]]:
    holds = {line.sku_id: line for line in held}
    rows = []
    for position, line in enumerate(evaluation.priced.lines):
        sku, hold = evaluation.skus[line.sku_id], holds[line.sku_id]
        rows.append(
            {
                "id": hold.line_id,
                "order_id": order_id,
                "position": position,
                "product_id": sku.product_id,
                "sku_id": line.sku_id,
                "location_id": hold.location_id,
                "product_name": sku.product_name,
                "sku_name": sku.sku_name,
                "picture_url": sku.picture_url,
                "quantity": line.quantity,
                "unit_list_price_fen": line.unit_list_price_fen,
                "unit_price_fen": line.unit_price_fen,
                "gross_fen": line.gross_fen,
                "discount_fen": sum(discount.amount_fen for discount in line.discounts),
                "freight_fen": line.freight_fen,
                "payable_fen": line.payable_fen,
            }
        )
    return rows
