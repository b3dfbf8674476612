"""GET /cart: the member's cart with what it comes to. DELETE /cart: clear it, or its invalid lines."""

from typing import Annotated

from orchard.cart import service
from orchard.cart.schemas import Cart, CartScope
from orchard.runtime.api import Api, CurrentMember, Query, Transaction

api = Api()


@api.get("/cart")
def get_cart(member: CurrentMember, tx: Transaction) -> Cart:
    return service.show_cart(tx, member)


@api.delete("/cart")
def delete_cart(member: CurrentMember, tx: Transaction, lines: Annotated[CartScope, Query()] = CartScope.ALL) -> Cart:
    return service.clear_cart(tx, member, lines)


handler = api.handler
