"""What an order does to a coupon: lock, use, release, give back. All of it as statements for the order's packets."""

from collections import Counter
from collections.abc import Sequence

from orchard.coupons.models import Coupon, CouponState
from orchard.coupons.store import templates, wallet
from orchard.runtime.database import Row, Statement


def lock(coupon: Coupon, member_id: int, order_id: int, discount_fen: int, eligible_fen: int) -> list[Statement]:
    """AVAILABLE -> LOCKED, and the discount out of the template's budget where there is one.

    The packet raises CouponTaken when it was used, ended or changed hands meanwhile, CouponBudgetSpent.
    """
    statements = wallet.lock(coupon, member_id, order_id, discount_fen, eligible_fen)
    return [*statements, templates.spend(coupon.template_id, discount_fen)] if coupon.budgeted else statements


def held(order_ids: Sequence[int]) -> Statement:
    """The coupons that the orders hold or used; its rows are what the three below take."""
    return wallet.held(order_ids)


def confirm(rows: list[Row]) -> list[Statement]:
    """The order was paid: LOCKED -> USED. The packet raises CouponStateConflict from any other state."""
    return [statement for row in rows for statement in wallet.use(row)]


def release(rows: list[Row]) -> list[Statement]:
    """The orders were closed unpaid: LOCKED -> AVAILABLE, or EXPIRED past the coupon's end."""
    ended = {True: CouponState.EXPIRED, False: CouponState.AVAILABLE}
    return _freed([(row, ended[bool(row["ended"])]) for row in rows], CouponState.LOCKED, "closed")


def give_back(rows: list[Row]) -> list[Statement]:
    """The order was fully refunded: USED -> AVAILABLE where the coupon's terms say so, else it stays used."""
    returned = [(row, CouponState.AVAILABLE) for row in rows if row["returns_on_refund"]]
    return _freed(returned, CouponState.USED, "refunded")


def _freed(coupons: Sequence[tuple[Row, CouponState]], source: CouponState, reason: str) -> list[Statement]:
    """Coupons first, then the budgets that they share, each once and in key order."""
    moved = [statement for row, target in coupons for statement in wallet.set_free(row, source, target, reason)]
    spent: Counter[int] = Counter()
    for row, _ in coupons:
        if row["budgeted"]:
            spent[row["template_id"]] += row["discount_fen"]
    return [*moved, *(templates.unspend(template_id, fen) for template_id, fen in sorted(spent.items()))]
