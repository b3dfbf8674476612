"""POST /cart/lines: add a SKU to the cart. PATCH /cart/lines: select several lines or all."""

from orchard.cart.schemas import AddedLine, Cart, LineDraft, Selection
from orchard.cart.service import lines
from orchard.runtime.api import Api, CurrentMember, Transaction

api = Api()


@api.post("/cart/lines", status_code=201)
def post_cart_lines(draft: LineDraft, member: CurrentMember, tx: Transaction) -> AddedLine:
    return lines.add_line(tx, member, draft)


@api.patch("/cart/lines")
def patch_cart_lines(selection: Selection, member: CurrentMember, tx: Transaction) -> Cart:
    return lines.select_lines(tx, member, selection)


handler = api.handler
