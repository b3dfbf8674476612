"""POST /orders: place an order for the lines of a quote."""

from orchard.orders.schemas.placing import OrderDraft, PlacedOrder
from orchard.orders.service import place
from orchard.runtime.api import Api, CurrentMember, Transaction

api = Api()


@api.post("/orders", status_code=201)
def place_order(draft: OrderDraft, member: CurrentMember, tx: Transaction) -> PlacedOrder:
    return place.place_order(tx, member, draft)


handler = api.handler
