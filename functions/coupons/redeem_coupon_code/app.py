"""POST /coupons/redemptions: redeem a code; the same code again is the same coupon."""

from orchard.coupons.schemas import MyCoupon, RedemptionRequest
from orchard.runtime.api import Api, CurrentMember, Transactions
from orchard.workflows import coupon_centre

api = Api()


# The code itself is the key: its repetition by the same member answers with the same coupon. And a refused try must
# stay counted, so it cannot share the edge's transaction.
@api.post("/coupons/redemptions", idempotent=False, status_code=201)
def redeem_coupon_code(request: RedemptionRequest, member: CurrentMember, transactions: Transactions) -> MyCoupon:
    return coupon_centre.redeem_coupon_code(transactions, member, request)


handler = api.handler
