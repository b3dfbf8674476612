"""The steps of an order's life. Callers hold the order's lock (or have just made it) and commit."""

import itertools
from collections.abc import Sequence
from datetime import datetime

from orchard.core.errors import NotFound
from orchard.inventory import service as inventory
from orchard.inventory.service import StockLine
from orchard.orders import store
from orchard.orders.campaigns import holdings
from orchard.orders.campaigns.holdings import Held
from orchard.orders.models import OrderRow, OrderState, check_transition
from orchard.runtime import outbox
from orchard.runtime.database import Row, Statement, Tx

_REASONS = {
    OrderState.PAID: "paid",
    OrderState.GROUPING: "group",
    OrderState.TO_SHIP: "ready",
    OrderState.REFUNDING: "no_seat",
}
# Waiting for a group, or never to be shipped.
_UNSHIPPED = frozenset({OrderState.GROUPING, OrderState.REFUNDING})


def locked_order(tx: Tx, order_number: str) -> OrderRow | None:
    """The order by number, locked until the transaction ends."""
    row = store.locked_by_number(tx, order_number)
    return store.head(row) if row else None


def lock_order_by_id(tx: Tx, order_id: int) -> OrderRow:
    """The order by row id, locked until the transaction ends. Raises NotFound."""
    row = store.locked_by_id(tx, order_id)
    if row is None:
        raise NotFound
    return store.head(row)


def due_unpaid(tx: Tx, limit: int, after: tuple[datetime, int] | None = None) -> list[OrderRow]:
    """Unpaid orders past their time, oldest first; `after` is (expires_at, id) of the last one seen (UTC)."""
    naive = (after[0].replace(tzinfo=None), after[1]) if after else None
    return [store.head(row) for row in store.due_unpaid(tx, limit, naive)]


def lock_expired(tx: Tx, order_ids: Sequence[int]) -> list[OrderRow]:
    """Those of the orders that are unpaid and past their time, locked until the transaction ends."""
    return [store.head(row) for row in store.locked_expired(tx, order_ids)]


def check_payable(tx: Tx, order: OrderRow) -> None:
    """Raises the Conflict of a campaign whose share of the unpaid order is gone, so that money could only go back."""
    holdings.check_payable(tx, order.id)


def record_payment(tx: Tx, order: OrderRow) -> OrderState:
    """PENDING_PAY -> PAID -> TO_SHIP: reserved stock is deducted, and the world is told once (order.paid).

    A campaign may send the order elsewhere from PAID, as far as REFUNDING: then the caller asks for the refund in the
    same transaction. Returns where the order stands. Raises OrderStateConflict from any other state; the caller
    decides what becomes of the money then.
    """
    check_transition(order, OrderState.PAID)
    rows, held = _held(tx, [order])
    route = holdings.confirm(tx, held)
    states = (OrderState.PENDING_PAY, OrderState.PAID, *route.path)
    steps = [
        _event(order, number, source, target, _REASONS[target])
        for number, (source, target) in enumerate(itertools.pairwise(states), start=1)
    ]
    told = outbox.emit("order.paid", order.order_number, _payload(order, rows))
    # All steps happen at once, so the row takes the last one's state and version.
    passed = f", version = version + {len(route.path)}, paid_at = UTC_TIMESTAMP(6)"
    paid = store.move(order, states[-1], passed)
    tx.packet([paid, *steps, told, *route.statements, *inventory.deduct([order.id], _stock_lines(rows))])
    return states[-1]


def begin_refund(tx: Tx, order: OrderRow, reason: str) -> None:
    """GROUPING -> REFUNDING: all of the money goes back. The caller asks for the refund in the same transaction."""
    check_transition(order, OrderState.REFUNDING)
    step = _event(order, 1, order.state, OrderState.REFUNDING, reason)
    tx.packet([store.move(order, OrderState.REFUNDING), step])


def close(tx: Tx, orders: Sequence[OrderRow], reason: str, actor: str = "system") -> None:
    """PENDING_PAY -> CLOSED, all or none: everything they held is given back (order.closed, once for each).

    The caller has made sure that no money can arrive any more. Raises OrderStateConflict from any other state.
    """
    for order in orders:
        check_transition(order, OrderState.CLOSED)
    rows, held = _held(tx, orders)
    ended = ", closed_at = UTC_TIMESTAMP(6), close_reason = %s"
    lines = {order_id: list(own) for order_id, own in itertools.groupby(rows, lambda row: int(row["order_id"]))}
    told = [(order.order_number, {**_payload(order, lines[order.id]), "reason": reason}) for order in orders]
    tx.packet([
        *store.move_all(orders, OrderState.CLOSED, reason, actor, ended, reason),
        outbox.emit_many("order.closed", told),
        *holdings.release(held),
        *inventory.release([order.id for order in orders], _stock_lines(rows)),
    ])  # fmt: skip


def record_refunded(tx: Tx, order: OrderRow) -> None:
    """Any paid state -> REFUNDED, once every fen has gone back (order.refunded). Campaigns take or give by policy.

    Goods of an order whose group never was complete have not left the shelf: they are sold again.
    """
    check_transition(order, OrderState.REFUNDED)
    rows, held = _held(tx, [order])
    returned = _taken_back(order, rows) if order.state in _UNSHIPPED else []
    step = _event(order, 1, order.state, OrderState.REFUNDED, "refunded")
    told = outbox.emit("order.refunded", order.order_number, {"order_number": order.order_number})
    tx.packet([store.move(order, OrderState.REFUNDED), step, told, *holdings.give_back(held), *returned])


def _taken_back(order: OrderRow, rows: list[Row]) -> list[Statement]:
    sku_ids = sorted({row["sku_id"] for row in rows})
    told = outbox.emit("stock.adjusted", order.order_number, {"sku_ids": [str(sku_id) for sku_id in sku_ids]})
    return [told, *inventory.take_back(order.id, _stock_lines(rows))]


def _held(tx: Tx, orders: Sequence[OrderRow]) -> tuple[list[Row], Held]:
    """What the orders hold: their lines' stock, and whatever campaigns claimed for them; one round trip."""
    ids = [order.id for order in orders]
    stock, *claimed = tx.packet([store.stock_lines(ids), *holdings.held_statements(ids)])
    return stock.rows, holdings.held(claimed)


def _event(order: OrderRow, step: int, source: OrderState, target: OrderState, reason: str) -> Statement:
    return store.insert_event(order.id, order.version + step, (source.value, target.value), "system", reason)


def _stock_lines(rows: list[Row]) -> list[StockLine]:
    return [StockLine(row["id"], row["sku_id"], row["quantity"], row["location_id"]) for row in rows]


def _payload(order: OrderRow, rows: list[Row]) -> dict[str, object]:
    lines = [
        {"sku_id": str(row["sku_id"]), "product_id": str(row["product_id"]), "quantity": row["quantity"]}
        for row in rows
    ]
    return {
        "order_number": order.order_number,
        "member_id": str(order.member_id),
        "sku_ids": [line["sku_id"] for line in lines],
        "lines": lines,
    }
