"""What an order does to a coupon: lock, use, release, give back. All of it as statements for the order's packets."""

from orchard.coupons.models import Coupon, CouponState
from orchard.coupons.store import templates, wallet
from orchard.runtime.database import Row, Statement


def lock(coupon: Coupon, member_id: int, order_id: int, discount_fen: int, eligible_fen: int) -> list[Statement]:
    """AVAILABLE -> LOCKED, and the discount out of the template's budget where there is one.

    The packet raises CouponTaken when it was used, ended or changed hands meanwhile, CouponBudgetSpent.
    """
    statements = wallet.lock(coupon, member_id, order_id, discount_fen, eligible_fen)
    return [*statements, templates.spend(coupon.template_id, discount_fen)] if coupon.budgeted else statements


def held(order_id: int) -> Statement:
    """The coupon that the order holds or used; its rows are what the three below take."""
    return wallet.held(order_id)


def confirm(rows: list[Row]) -> list[Statement]:
    """The order was paid: LOCKED -> USED. The packet raises CouponStateConflict from any other state."""
    return [statement for row in rows for statement in wallet.use(row)]


def release(rows: list[Row]) -> list[Statement]:
    """The order was closed unpaid: LOCKED -> AVAILABLE, or EXPIRED past the coupon's end."""
    return [
        statement for row in rows for statement in _freed(row, CouponState.LOCKED, "closed", ended=bool(row["ended"]))
    ]


def give_back(rows: list[Row]) -> list[Statement]:
    """The order was fully refunded: USED -> AVAILABLE where the coupon's terms say so, else it stays used."""
    returned = [row for row in rows if row["returns_on_refund"]]
    return [statement for row in returned for statement in _freed(row, CouponState.USED, "refunded", ended=False)]


def _freed(row: Row, source: CouponState, reason: str, *, ended: bool) -> list[Statement]:
    target = CouponState.EXPIRED if ended else CouponState.AVAILABLE
    statements = wallet.set_free(row, source, target, reason)
    return [*statements, templates.unspend(row["template_id"], row["discount_fen"])] if row["budgeted"] else statements
