"""What an order is, the states it may be in, and the only ways from one to the next."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from orchard.core.errors import Conflict


class OrderState(StrEnum):
    """States as stored; the schema repeats them in a CHECK.

    GROUPING: paid, and nothing ships before its group is complete. REFUNDING: all of the money is on its way back.
    """

    PENDING_PAY = "PENDING_PAY"
    PAID = "PAID"
    GROUPING = "GROUPING"
    TO_SHIP = "TO_SHIP"
    PART_SHIPPED = "PART_SHIPPED"
    SHIPPED = "SHIPPED"
    RECEIVED = "RECEIVED"
    FINISHED = "FINISHED"
    CLOSED = "CLOSED"
    REFUNDING = "REFUNDING"
    REFUNDED = "REFUNDED"


S = OrderState
TRANSITIONS: dict[OrderState, frozenset[OrderState]] = {
    S.PENDING_PAY: frozenset({S.PAID, S.CLOSED}),
    S.PAID: frozenset({S.GROUPING, S.TO_SHIP, S.REFUNDED}),
    S.GROUPING: frozenset({S.TO_SHIP, S.REFUNDING, S.REFUNDED}),
    S.TO_SHIP: frozenset({S.PART_SHIPPED, S.SHIPPED, S.REFUNDED}),
    S.PART_SHIPPED: frozenset({S.SHIPPED, S.REFUNDED}),
    S.SHIPPED: frozenset({S.RECEIVED, S.REFUNDED}),
    S.RECEIVED: frozenset({S.FINISHED, S.REFUNDED}),
    S.FINISHED: frozenset({S.REFUNDED}),
    S.CLOSED: frozenset(),
    S.REFUNDING: frozenset({S.REFUNDED}),
    S.REFUNDED: frozenset(),
}


class OrderStateConflict(Conflict):
    """The order moved on meanwhile, or this step is not allowed from where it stands."""

    code = "order_state_conflict"
    message = "订单状态已变化，请刷新后重试"


class OrderRow(NamedTuple):
    """An order's head. `expired` was decided by database time when the row was read."""

    id: int
    order_number: str
    member_id: int
    state: OrderState
    version: int
    payable_fen: int
    created_at: datetime
    expires_at: datetime
    expired: bool
    line_count: int
    delivery_method: str


class LineAmounts(NamedTuple):
    """What a line was sold for, all its units together; the two amounts add up to the line's payable."""

    line_id: int
    quantity: int
    goods_fen: int
    freight_fen: int


def check_transition(order: OrderRow, target: OrderState) -> None:
    """Raises OrderStateConflict unless the table above allows the step."""
    if target not in TRANSITIONS[order.state]:
        raise OrderStateConflict(state=order.state.value)
