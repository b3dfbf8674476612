"""A member's coupons as a cart sees them, for the one read packet of a quote."""

from collections.abc import Iterable

from orchard.coupons.models import Coupon
from orchard.coupons.store import wallet
from orchard.runtime.database import Row, Statement


def wallet_statement(member_id: int) -> Statement:
    """What the member could use now or later, at most 100, what ends first in front."""
    return wallet.wallet(member_id)


def coupon_statement(member_id: int, coupon_id: int) -> Statement:
    """One coupon, in whatever state; no row unless it is the member's."""
    return wallet.owned(member_id, coupon_id)


def read_coupons(results: Iterable[Iterable[Row]]) -> list[Coupon]:
    """The coupons in the rows of any of these statements."""
    return [wallet.coupon(row) for rows in results for row in rows]
