"""Orders as their owner sees them."""

import json
from collections.abc import Mapping
from typing import Any

from orchard.core.clock import from_database
from orchard.core.errors import NotFound
from orchard.core.paging import decode_cursor, encode_cursor
from orchard.orders import store
from orchard.orders.campaigns import showing
from orchard.orders.models import OrderState
from orchard.orders.schemas.reading import DeliveryAddress, OrderDetail, OrderLine, OrderPage, OrderStep, OrderSummary
from orchard.orders.service import sealing
from orchard.runtime.database import Row, Tx
from orchard.runtime.sessions import MemberSession


def list_orders(tx: Tx, member: MemberSession, state: OrderState | None, cursor: str | None, limit: int) -> OrderPage:
    """A page of the member's orders, newest first. Raises InvalidInput for a cursor of another list."""
    scope = f"orders:{member.member_id}:{state or 'all'}"
    key = decode_cursor(scope, cursor, (int,))
    rows = store.page(tx, member.member_id, state, int(key[0]) if key else None, limit + 1)
    more = len(rows) > limit
    shown = rows[:limit]
    return OrderPage(
        orders=[_summary(row) for row in shown],
        next_cursor=encode_cursor(scope, (shown[-1]["id"],)) if more else None,
    )


def show_order(tx: Tx, member: MemberSession, order_number: str) -> OrderDetail:
    """One order whole, with what campaigns show of it, in one round trip. Raises NotFound."""
    whole = store.detail(member.member_id, order_number)
    results = tx.packet([*whole, *showing.statements(member.member_id, order_number)])
    heads, lines, events = (result.rows for result in results[: len(whole)])
    if not heads:
        raise NotFound
    return _detail(heads[0], lines, events, showing.fields(results[len(whole) :]))


def _summary(row: Row) -> OrderSummary:
    return OrderSummary(
        order_number=row["order_number"],
        state=OrderState(row["state"]),
        payable_fen=row["payable_fen"],
        line_count=row["line_count"],
        created_at=from_database(row["created_at"]),
        expires_at=from_database(row["expires_at"]),
        first_product_name=row["product_name"],
        first_picture_url=row["picture_url"],
    )


def _detail(head: Row, lines: list[Row], events: list[Row], shown: Mapping[str, Any]) -> OrderDetail:
    plain = ("order_number", "state", "delivery_method", "store_id", "remark", "close_reason")
    amounts = ("goods_fen", "discount_fen", "freight_fen", "payable_fen")
    times = ("created_at", "expires_at", "paid_at", "closed_at")
    return OrderDetail(
        **{name: head[name] for name in (*plain, *amounts)},
        **{name: from_database(head[name]) if head[name] else None for name in times},
        address=_address(head),
        lines=[OrderLine(**{name: line[name] for name in OrderLine.model_fields}) for line in lines],
        history=[_step(event) for event in events],
        trace=json.loads(head["trace"]),
        **shown,
    )


def _address(head: Row) -> DeliveryAddress | None:
    snapshot = sealing.unseal(head["id"], head["address_sealed"])
    return DeliveryAddress(**snapshot) if snapshot else None


def _step(event: Row) -> OrderStep:
    fields = {name: event[name] for name in ("from_state", "to_state", "actor", "reason")}
    return OrderStep(**fields, at=from_database(event["created_at"]))
