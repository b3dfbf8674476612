"""The verbs of orders, one file each.

What other capabilities and workflows need is re-exported here. The endpoints' own files (`quote`, `place`, `read`) are
imported by name, so that paying for an order does not load the catalogue, the cart and the pricing engine.
"""

from orchard.orders.service.lookups import description, ever_paid_statement, line_amounts, owned_order
from orchard.orders.service.transitions import (
    begin_refund,
    check_payable,
    close,
    due_unpaid,
    lock_expired,
    lock_order_by_id,
    locked_order,
    record_payment,
    record_refunded,
)

__all__ = [
    "begin_refund",
    "check_payable",
    "close",
    "description",
    "due_unpaid",
    "ever_paid_statement",
    "line_amounts",
    "lock_expired",
    "lock_order_by_id",
    "locked_order",
    "owned_order",
    "record_payment",
    "record_refunded",
]
