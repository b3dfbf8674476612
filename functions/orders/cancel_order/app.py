"""POST /orders/{order_number}/cancel: close an unpaid order, at WeChat Pay first."""

from typing import Annotated

from orchard.orders.schemas.placing import CancelledOrder
from orchard.runtime.api import Api, CurrentMember, Path, Transactions
from orchard.workflows import close_order

api = Api()


# No key needed: a closed order answers the same again.
@api.post("/orders/<order_number>/cancel", idempotent=False)
def cancel_order(
    order_number: Annotated[str, Path(max_length=32)], member: CurrentMember, transactions: Transactions
) -> CancelledOrder:
    return close_order.cancel_order(transactions, member, order_number)


handler = api.handler
