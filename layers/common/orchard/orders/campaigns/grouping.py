"""What a paid seat means for orders: wait for the group, or go on with all of it, or back with the money.

Imports nothing of pricing, so that paying stays light.
"""

from collections.abc import Sequence

from orchard.group_buy import service as group_buy
from orchard.group_buy.models import Fate
from orchard.orders import store
from orchard.orders.campaigns.route import Route
from orchard.orders.models import OrderState
from orchard.runtime.database import Row, Statement, Tx

_PATHS = {
    Fate.WAITING: (OrderState.GROUPING,),
    Fate.COMPLETE: (OrderState.GROUPING, OrderState.TO_SHIP),
    Fate.REFUND: (OrderState.GROUPING, OrderState.REFUNDING),
}


def route(tx: Tx, rows: Sequence[Row]) -> Route | None:
    """Where the order goes from PAID; None for an order without a seat.

    The payment that completes a group takes the other members' orders along. They are GROUPING, the payer's is not
    yet, so payers who wait for each other's group hold no order that the other one needs.
    """
    paid = group_buy.pay(tx, rows)
    if paid is None:
        return None
    return Route(_PATHS[paid.fate], [*paid.statements, *to_ship(tx, paid.completed_order_ids)])


def to_ship(tx: Tx, order_ids: Sequence[int]) -> list[Statement]:
    """GROUPING -> TO_SHIP for the orders of a group that is complete; locks them."""
    if not order_ids:
        return []
    orders = [store.head(row) for row in store.locked_waiting(tx, order_ids)]
    return store.move_all(orders, OrderState.TO_SHIP, "group_complete")
