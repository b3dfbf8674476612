"""GET /cart: the member's cart with what it comes to. DELETE /cart: clear it, or its invalid lines."""

from typing import Annotated

from orchard.cart.schemas import Cart, CartScope
from orchard.cart.service import lines
from orchard.runtime.api import Api, CurrentMember, Query, Transaction

api = Api()


@api.get("/cart")
def get_cart(member: CurrentMember, tx: Transaction) -> Cart:
    return lines.show_cart(tx, member)


@api.delete("/cart")
def delete_cart(
    member: CurrentMember, tx: Transaction, scope: Annotated[CartScope, Query(alias="lines")] = CartScope.ALL
) -> Cart:
    return lines.clear_cart(tx, member, scope)


handler = api.handler
