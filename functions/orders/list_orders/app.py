"""GET /orders: the member's orders, newest first."""

from typing import Annotated

from orchard.orders.schemas.reading import OrderPage, OrderState
from orchard.orders.service import read
from orchard.runtime.api import Api, CurrentMember, Query, Transaction

api = Api()


@api.get("/orders")
def list_orders(
    member: CurrentMember,
    tx: Transaction,
    state: Annotated[OrderState | None, Query()] = None,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
) -> OrderPage:
    return read.list_orders(tx, member, state, cursor, limit)


handler = api.handler
