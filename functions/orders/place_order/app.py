"""POST /orders: place an order for the lines of a quote."""

from orchard.orders import service
from orchard.orders.schemas import OrderDraft, PlacedOrder
from orchard.runtime.api import Api, CurrentMember, Transaction

api = Api()


@api.post("/orders", status_code=201)
def place_order(draft: OrderDraft, member: CurrentMember, tx: Transaction) -> PlacedOrder:
    return service.place_order(tx, member, draft)


handler = api.handler
