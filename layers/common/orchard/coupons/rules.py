"""Pure decisions about coupons: what matches, what is taken off, what a code is in its one spelling."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from orchard.coupons.models import Coupon, CouponKind, CouponState, Scope, ScopeKind, Terms, Unusable

CODE_LENGTH = 16
_CODE = re.compile(r"^[0-9A-HJKMNP-TV-Z]{16}$")
# Crockford's base 32: what people read as a digit is that digit.
_LOOKALIKES = str.maketrans({"O": "0", "I": "1", "L": "1"})
_STATE_REASONS = {
    CouponState.LOCKED: Unusable.LOCKED,
    CouponState.USED: Unusable.USED,
    CouponState.EXPIRED: Unusable.ENDED,
}


class Item(NamedTuple):
    """A line as a coupon sees it: `category_ids` are its category and all above it, `payable_fen` what is left."""

    sku_id: int
    product_id: int
    category_ids: frozenset[int]
    payable_fen: int


class Assessment(NamedTuple):
    """What a coupon does to a cart: SKUs in its scope, what they come to, what it takes off; or why it may not.

    `missing_fen`: what the matching goods lack to the threshold.
    """

    sku_ids: tuple[int, ...]
    eligible_fen: int
    discount_fen: int
    reason: Unusable | None = None
    missing_fen: int = 0


def matches(scope: Scope, item: Item) -> bool:
    """Whether the line counts for the coupon."""
    if item.product_id in scope.excluded_product_ids or item.category_ids & scope.excluded_category_ids:
        return False
    if scope.kind is ScopeKind.ALL:
        return True
    if scope.kind is ScopeKind.CATEGORIES:
        return bool(item.category_ids & scope.ids)
    return item.product_id in scope.ids


def discount_fen(terms: Terms, eligible_fen: int) -> int:
    """What the terms take off, never more than the goods cost. A percentage is rounded down to whole fen."""
    if terms.kind is CouponKind.AMOUNT:
        return min(terms.amount_fen, eligible_fen)
    part = eligible_fen * terms.percent_off // 100
    return part if terms.cap_fen is None else min(part, terms.cap_fen)


def assess(coupon: Coupon, items: Sequence[Item]) -> Assessment:
    """What the coupon does to these lines."""
    matching = [item for item in items if matches(coupon.terms.scope, item)]
    sku_ids = tuple(sorted(item.sku_id for item in matching))
    eligible = sum(item.payable_fen for item in matching)
    discount = discount_fen(coupon.terms, eligible)
    missing = max(0, coupon.terms.threshold_fen - eligible) if matching else 0
    return Assessment(sku_ids, eligible, discount, _reason(coupon, sku_ids, discount, missing), missing)


def _reason(coupon: Coupon, sku_ids: Sequence[int], discount: int, missing: int) -> Unusable | None:
    over_budget = coupon.budget_left_fen is not None and discount > coupon.budget_left_fen
    checks: Iterable[tuple[bool, Unusable]] = (
        (coupon.state in _STATE_REASONS, _STATE_REASONS.get(coupon.state, Unusable.USED)),
        (coupon.ended, Unusable.ENDED),
        (not coupon.started, Unusable.NOT_STARTED),
        (not sku_ids, Unusable.NO_MATCHING_GOODS),
        (missing > 0, Unusable.BELOW_THRESHOLD),
        (discount == 0, Unusable.NO_SAVING),
        (over_budget, Unusable.BUDGET_SPENT),
    )
    return next((reason for failed, reason in checks if failed), None)


def canonical_code(text: str) -> str | None:
    """The one spelling of a code, whatever way it was typed or pasted; None for what can be no code."""
    upper = unicodedata.normalize("NFKC", text).upper()
    plain = re.sub(r"[\s\-_]", "", upper).translate(_LOOKALIKES)
    return plain if _CODE.match(plain) else None


def shown_code(canonical: str) -> str:
    """A code as it is printed: groups of four."""
    return "-".join(canonical[start : start + 4] for start in range(0, CODE_LENGTH, 4))
