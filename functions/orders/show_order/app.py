"""GET /orders/{order_number}: one order with its lines and its history."""

from typing import Annotated

from orchard.orders.schemas.reading import OrderDetail
from orchard.orders.service import read
from orchard.runtime.api import Api, CurrentMember, Path, Transaction

api = Api()


@api.get("/orders/<order_number>")
def show_order(
    order_number: Annotated[str, Path(max_length=32)], member: CurrentMember, tx: Transaction
) -> OrderDetail:
    return read.show_order(tx, member, order_number)


handler = api.handler
