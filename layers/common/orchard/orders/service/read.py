"""Orders as their owner sees them."""

import json

from orchard.core.clock import from_database
from orchard.core.errors import NotFound
from orchard.core.paging import decode_cursor, encode_cursor
from orchard.orders import store
from orchard.orders.models import LineAmounts, OrderRow, OrderState
from orchard.orders.schemas import OrderDetail, OrderLine, OrderPage, OrderStep, OrderSummary
from orchard.orders.service import sealing
from orchard.runtime.database import Row, Statement, Tx
from orchard.runtime.sessions import MemberSession

_DESCRIPTION_LENGTH = 127


def owned_order(tx: Tx, member_id: int, order_number: str) -> OrderRow:
    """The order, if it is this member's. Raises NotFound, the same for a foreign and a missing one."""
    row = store.owned(tx, member_id, order_number)
    if row is None:
        raise NotFound
    return store.head(row)


def description(tx: Tx, order_id: int) -> str:
    """What the shopper's bill says, at most 127 characters (WeChat Pay's limit)."""
    row = store.first_line(tx, order_id)
    if row is None:
        raise NotFound
    more = f" 等{row['line_count']}件商品" if row["line_count"] > 1 else ""
    return str(row["product_name"])[: _DESCRIPTION_LENGTH - len(more)] + more


def line_amounts(tx: Tx, order_id: int) -> list[LineAmounts]:
    """What each line was sold for, freight apart; refunds start from here and never recompute a price."""
    return [LineAmounts(**row) for row in store.line_amounts(tx, order_id)]


def ever_paid_statement(member_id: int) -> Statement:
    """One row with the column `paid`: whether the member ever paid an order. For others' packets."""
    return store.ever_paid(member_id)


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
    """One order whole, in one round trip. Raises NotFound."""
    heads, lines, events = (result.rows for result in tx.packet(store.detail(member.member_id, order_number)))
    if not heads:
        raise NotFound
    return _detail(heads[0], lines, events)


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


def _detail(head: Row, lines: list[Row], events: list[Row]) -> OrderDetail:
    plain = ("order_number", "state", "delivery_method", "store_id", "remark", "close_reason")
    amounts = ("goods_fen", "discount_fen", "freight_fen", "payable_fen")
    times = ("created_at", "expires_at", "paid_at", "closed_at")
    return OrderDetail(
        **{name: head[name] for name in (*plain, *amounts)},
        **{name: from_database(head[name]) if head[name] else None for name in times},
        address=sealing.unseal(head["id"], head["address_sealed"]),
        lines=[OrderLine(**{name: line[name] for name in OrderLine.model_fields}) for line in lines],
        history=[_step(event) for event in events],
        trace=json.loads(head["trace"]),
    )


def _step(event: Row) -> OrderStep:
    fields = {name: event[name] for name in ("from_state", "to_state", "actor", "reason")}
    return OrderStep(**fields, at=from_database(event["created_at"]))
