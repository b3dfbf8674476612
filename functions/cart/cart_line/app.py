"""PATCH /cart/lines/{line_id}: change quantity, specification or selection. DELETE: take the line out."""

from typing import Annotated

from orchard.cart.schemas import Cart, LineChange
from orchard.cart.service import lines
from orchard.core.schemas import Id
from orchard.runtime.api import Api, CurrentMember, Path, Transaction

LineId = Annotated[Id, Path()]
api = Api()


@api.patch("/cart/lines/<line_id>")
def patch_cart_line(line_id: LineId, change: LineChange, member: CurrentMember, tx: Transaction) -> Cart:
    return lines.change_line(tx, member, line_id, change)


@api.delete("/cart/lines/<line_id>")
def delete_cart_line(line_id: LineId, member: CurrentMember, tx: Transaction) -> Cart:
    return lines.remove_line(tx, member, line_id)


handler = api.handler
