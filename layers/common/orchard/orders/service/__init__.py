"""The verbs of orders, one file each; other capabilities and functions import them from here."""

from orchard.orders.service.place import place_order
from orchard.orders.service.quote import quote_order
from orchard.orders.service.read import description, list_orders, owned_order, show_order
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
    "list_orders",
    "lock_order_by_id",
    "locked_order",
    "owned_order",
    "place_order",
    "quote_order",
    "record_payment",
    "record_refunded",
    "show_order",
]
