"""GET /coupons/claimable: the coupon centre, each coupon with the reason why it cannot be claimed."""

from orchard.coupons.schemas import ClaimableCoupons
from orchard.runtime.api import Api, CurrentMember, Transaction
from orchard.workflows import coupon_centre

api = Api()


@api.get("/coupons/claimable")
def list_claimable_coupons(member: CurrentMember, tx: Transaction) -> ClaimableCoupons:
    return coupon_centre.list_claimable_coupons(tx, member)


handler = api.handler
