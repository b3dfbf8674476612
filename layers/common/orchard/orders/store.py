"""All SQL of orders."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from orchard.core.clock import from_database
from orchard.orders.models import OrderRow, OrderState, OrderStateConflict
from orchard.runtime.database import Row, Statement, Tx, insert, placeholders

_HEAD = (
    "SELECT id, order_number, member_id, state, version, payable_fen, created_at, expires_at, line_count,"
    " delivery_method, expires_at <= UTC_TIMESTAMP(6) AS expired FROM orders"
)
_COLUMNS = (
    "id", "order_number", "member_id", "state", "version", "delivery_method", "store_id", "region_code",
    "address_sealed", "remark", "line_count", "goods_fen", "discount_fen", "freight_fen", "payable_fen", "trace",
)  # fmt: skip


def head(row: Row) -> OrderRow:
    """An order's head from its row."""
    return OrderRow(
        id=row["id"],
        order_number=row["order_number"],
        member_id=row["member_id"],
        state=OrderState(row["state"]),
        version=row["version"],
        payable_fen=row["payable_fen"],
        created_at=from_database(row["created_at"]),
        expires_at=from_database(row["expires_at"]),
        expired=bool(row["expired"]),
        line_count=row["line_count"],
        delivery_method=row["delivery_method"],
    )


def insert_order(values: Mapping[str, Any], minutes: int) -> Statement:
    """The order's row; it may stay unpaid for `minutes` of database time."""
    marks = ", ".join(["%s"] * len(_COLUMNS))
    return Statement(
        f"INSERT INTO orders ({', '.join(_COLUMNS)}, created_at, expires_at)"
        f" VALUES ({marks}, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL %s MINUTE)",
        [*(values[column] for column in _COLUMNS), minutes],
        expect=1,
    )


def insert_lines(rows: Sequence[Mapping[str, Any]]) -> Statement:
    """All lines of an order."""
    return insert("order_line", rows)


def insert_event(order_id: int, version: int, step: tuple[str | None, str], actor: str, reason: str) -> Statement:
    """One row of the order's history; `step` is (from, to)."""
    row = {"order_id": order_id, "version": version, "from_state": step[0], "to_state": step[1]}
    return insert("order_event", [{**row, "actor": actor, "reason": reason}], on_duplicate=OrderStateConflict())


def move(order: OrderRow, target: OrderState, extra: str = "", params: Sequence[Any] = ()) -> Statement:
    """Compare-and-set the state on the version that was read; `extra` sets further columns."""
    return Statement(
        f"UPDATE orders SET state = %s, version = version + 1{extra} WHERE id = %s AND state = %s AND version = %s",
        [target.value, *params, order.id, order.state.value, order.version],
        expect=1,
        otherwise=OrderStateConflict(),
    )


def move_all(
    orders: Sequence[OrderRow], target: OrderState, reason: str, actor: str = "system", extra: str = "", *params: Any
) -> list[Statement]:
    """Take several locked orders of one state one step further, each with its event; `extra` sets further columns."""
    if not orders:
        return []
    source, ids = orders[0].state.value, [order.id for order in orders]
    events = [
        {"order_id": order.id, "version": order.version + 1, "from_state": source, "to_state": target.value,
         "actor": actor, "reason": reason}
        for order in orders
    ]  # fmt: skip
    moved = Statement(
        f"UPDATE orders SET state = %s, version = version + 1{extra} WHERE state = %s AND id IN ({placeholders(ids)})",
        [target.value, *params, source, *ids],
        expect=len(ids),
        otherwise=OrderStateConflict(),
    )
    return [moved, insert("order_event", events, on_duplicate=OrderStateConflict())]


def expiry(order_id: int) -> Statement:
    """When the order just written must be paid, by the database's clock."""
    return Statement("SELECT expires_at FROM orders WHERE id = %s", (order_id,))


def _number(asked_for: str) -> str:
    """The number as the ASCII column can be compared with; anything else is no order's number."""
    return asked_for if asked_for.isascii() else ""


def owned(tx: Tx, member_id: int, order_number: str) -> Row | None:
    """The head, if it is this member's."""
    return tx.row(f"{_HEAD} WHERE order_number = %s AND member_id = %s", (_number(order_number), member_id))


def locked_by_number(tx: Tx, order_number: str) -> Row | None:
    """The head, locked until the transaction ends."""
    return tx.row(f"{_HEAD} WHERE order_number = %s FOR UPDATE", (_number(order_number),))


def locked_by_id(tx: Tx, order_id: int) -> Row | None:
    """The head, locked until the transaction ends."""
    return tx.row(f"{_HEAD} WHERE id = %s FOR UPDATE", (order_id,))


def locked_waiting(tx: Tx, order_ids: Sequence[int]) -> list[Row]:
    """The heads of those of the orders that wait for their group, locked in key order."""
    return tx.rows(
        f"{_HEAD} WHERE state = 'GROUPING' AND id IN ({placeholders(order_ids)}) ORDER BY id FOR UPDATE",
        list(order_ids),
    )


def locked_expired(tx: Tx, order_ids: Sequence[int]) -> list[Row]:
    """The heads of those of the orders that are still to be closed for want of payment, locked in key order."""
    return tx.rows(
        f"{_HEAD} FORCE INDEX (PRIMARY) WHERE state = 'PENDING_PAY' AND expires_at <= UTC_TIMESTAMP(6)"
        f" AND id IN ({placeholders(order_ids)}) ORDER BY id FOR UPDATE",
        list(order_ids),
    )


def due_unpaid(tx: Tx, limit: int, after: tuple[datetime, int] | None) -> list[Row]:
    """Unpaid orders past their time by the database's clock, oldest first."""
    where, params = "", []
    if after is not None:
        where, params = " AND (expires_at > %s OR (expires_at = %s AND id > %s))", [after[0], after[0], after[1]]
    return tx.rows(
        f"{_HEAD} FORCE INDEX (by_state_expiry) WHERE state = 'PENDING_PAY' AND expires_at <= UTC_TIMESTAMP(6)"
        f"{where} ORDER BY expires_at, id LIMIT %s",
        [*params, limit],
    )


def stock_lines(order_ids: Sequence[int]) -> Statement:
    """What the orders hold of the stock: id, order_id, sku_id, product_id, quantity, location_id."""
    return Statement(
        "SELECT id, order_id, sku_id, product_id, quantity, location_id FROM order_line"
        f" WHERE order_id IN ({placeholders(order_ids)}) ORDER BY order_id, sku_id",
        list(order_ids),
    )


def line_amounts(tx: Tx, order_id: int) -> list[Row]:
    """line_id, quantity, goods_fen and freight_fen of every line, as they were sold."""
    return tx.rows(
        "SELECT id AS line_id, quantity, payable_fen - freight_fen AS goods_fen, freight_fen FROM order_line"
        " WHERE order_id = %s ORDER BY position",
        (order_id,),
    )


def page(tx: Tx, member_id: int, state: OrderState | None, before_id: int | None, limit: int) -> list[Row]:
    """A member's orders, newest first, with the first line's name and picture."""
    where = ["o.member_id = %s"]
    params: list[int | str] = [member_id]
    if state is not None:
        where, params = [*where, "o.state = %s"], [*params, state.value]
    if before_id is not None:
        where, params = [*where, "o.id < %s"], [*params, before_id]
    return tx.rows(
        "SELECT o.id, o.order_number, o.state, o.payable_fen, o.line_count, o.created_at, o.expires_at,"
        " l.product_name, l.picture_url FROM orders o"
        " JOIN order_line l ON l.order_id = o.id AND l.position = 0"
        f" WHERE {' AND '.join(where)} ORDER BY o.id DESC LIMIT %s",
        [*params, limit],
    )


def detail(member_id: int, order_number: str) -> list[Statement]:
    """Order, lines and history for one round trip; each empty unless the order is this member's."""
    of_order = "(SELECT id FROM orders WHERE order_number = %s AND member_id = %s)"
    params = (_number(order_number), member_id)
    return [
        Statement("SELECT * FROM orders WHERE order_number = %s AND member_id = %s", params),
        Statement(f"SELECT * FROM order_line WHERE order_id = {of_order} ORDER BY position", params),
        Statement(f"SELECT * FROM order_event WHERE order_id = {of_order} ORDER BY version", params),
    ]


def first_line(tx: Tx, order_id: int) -> Row | None:
    """The first line's product name, and how many lines there are."""
    return tx.row(
        "SELECT l.product_name, o.line_count FROM order_line l JOIN orders o ON o.id = l.order_id"
        " WHERE l.order_id = %s AND l.position = 0",
        (order_id,),
    )


def ever_paid(member_id: int) -> Statement:
    """One row, `paid`: whether the member ever paid an order, whatever became of it."""
    return Statement(
        "SELECT EXISTS(SELECT 1 FROM orders WHERE member_id = %s AND paid_at IS NOT NULL) AS paid", (member_id,)
    )
