"""POST /coupons/claims: claim one coupon of the coupon centre."""

from orchard.coupons.schemas import ClaimRequest, MyCoupon
from orchard.runtime.api import Api, CurrentMember, Transaction
from orchard.workflows import coupon_centre

api = Api()


@api.post("/coupons/claims", status_code=201)
def claim_coupon(request: ClaimRequest, member: CurrentMember, tx: Transaction) -> MyCoupon:
    return coupon_centre.claim_coupon(tx, member, request)


handler = api.handler
