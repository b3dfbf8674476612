"""The verbs of orders, one file each.

Reading and moving orders is re-exported here. `quote` and `place` are imported by name, because they load the
catalogue, the cart and the pricing engine, which nothing else needs on a cold start.
"""

from orchard.orders.service.read import (
    description,
    ever_paid_statement,
    line_amounts,
    list_orders,
    owned_order,
    show_order,
)
from orchard.orders.service.transitions import (
    close,
    due_unpaid,
    lock_order_by_id,
    locked_order,
    record_payment,
    record_refunded,
)

__all__ = [
    "close",
    "description",
    "due_unpaid",
    "ever_paid_statement",
    "line_amounts",
    "list_orders",
    "lock_order_by_id",
    "locked_order",
    "owned_order",
    "record_payment",
    "record_refunded",
    "show_order",
]
