"""The coupon centre knows from orders who is a newcomer; coupons themselves know nothing of orders."""

from orchard.coupons.schemas import ClaimableCoupons, ClaimRequest, MyCoupon, RedemptionRequest
from orchard.coupons.service import claiming, codes
from orchard.orders.service import ever_paid_statement
from orchard.runtime.database import Connection, Tx
from orchard.runtime.sessions import MemberSession


def list_claimable_coupons(tx: Tx, member: MemberSession) -> ClaimableCoupons:
    """The coupon centre for the caller."""
    return claiming.list_claimable_coupons(tx, member.member_id, ever_paid_statement(member.member_id))


def claim_coupon(tx: Tx, member: MemberSession, request: ClaimRequest) -> MyCoupon:
    """Claim one coupon of the centre. Raises NotFound, CouponNotClaimable."""
    return claiming.claim_coupon(tx, member.member_id, request.template_id, ever_paid_statement(member.member_id))


def redeem_coupon_code(transactions: Connection, member: MemberSession, request: RedemptionRequest) -> MyCoupon:
    """The coupon behind a code. Raises TooManyCodeTries, CouponCodeRefused."""
    paid = ever_paid_statement(member.member_id)
    return codes.redeem_coupon_code(transactions, member.member_id, request.code, paid)
