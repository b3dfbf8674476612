"""What a coupon is, the states of its life, and what may be refused."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from orchard.core.errors import Conflict, InvalidInput, NotFound, TooManyRequests


class TemplateState(StrEnum):
    """DRAFT is only seen by the merchant; STOPPED gives out no more, and what was given out stays good."""

    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    STOPPED = "STOPPED"


class Channel(StrEnum):
    """How coupons of a template reach members: from the coupon centre, in the newcomers' pack, by code, granted."""

    CENTRE = "CENTRE"
    NEWCOMER = "NEWCOMER"
    CODE = "CODE"
    GRANT = "GRANT"


class Audience(StrEnum):
    """Who may claim. NEWCOMERS: members who never paid an order, at the time of the claim."""

    EVERYONE = "EVERYONE"
    NEWCOMERS = "NEWCOMERS"


class CouponKind(StrEnum):
    """AMOUNT takes fen off, PERCENT takes a share of the matching goods off."""

    AMOUNT = "AMOUNT"
    PERCENT = "PERCENT"


class ScopeKind(StrEnum):
    """What a coupon is good for; CATEGORIES means the named ones and everything below them."""

    ALL = "ALL"
    CATEGORIES = "CATEGORIES"
    PRODUCTS = "PRODUCTS"


class CouponState(StrEnum):
    """States as stored; the schema repeats them in a CHECK."""

    AVAILABLE = "AVAILABLE"
    LOCKED = "LOCKED"
    USED = "USED"
    EXPIRED = "EXPIRED"


S = CouponState
TRANSITIONS: dict[CouponState, frozenset[CouponState]] = {
    S.AVAILABLE: frozenset({S.LOCKED, S.EXPIRED}),
    S.LOCKED: frozenset({S.USED, S.AVAILABLE, S.EXPIRED}),
    # Only where the terms return it on a full refund; past its end the sweep expires it then.
    S.USED: frozenset({S.AVAILABLE}),
    S.EXPIRED: frozenset(),
}


class Unusable(StrEnum):
    """Why a coupon cannot be used on a cart."""

    NOT_STARTED = "not_started"
    ENDED = "ended"
    LOCKED = "locked"
    USED = "used"
    NO_MATCHING_GOODS = "no_matching_goods"
    BELOW_THRESHOLD = "below_threshold"
    BUDGET_SPENT = "budget_spent"
    # The whole order would not be cheaper, because freight would eat the discount or nothing is left to take off.
    NO_SAVING = "no_saving"
    # The order would fall below the store's minimum for local delivery.
    BELOW_LOCAL_MINIMUM = "below_local_minimum"


class Unclaimable(StrEnum):
    """Why a coupon in the centre cannot be claimed now."""

    NOT_STARTED = "not_started"
    SOLD_OUT = "sold_out"
    LIMIT_REACHED = "limit_reached"
    NEWCOMERS_ONLY = "newcomers_only"


class Scope(NamedTuple):
    """Which goods count. Exclusions win; an excluded category excludes everything below it."""

    kind: ScopeKind
    ids: frozenset[int] = frozenset()
    excluded_category_ids: frozenset[int] = frozenset()
    excluded_product_ids: frozenset[int] = frozenset()


class Terms(NamedTuple):
    """What a coupon gives. `percent_off` 20 means that 80 percent is paid; `cap_fen` bounds what a percentage takes."""

    kind: CouponKind
    amount_fen: int
    percent_off: int
    cap_fen: int | None
    threshold_fen: int
    scope: Scope


class Coupon(NamedTuple):
    """A member's coupon as a cart sees it. `started` and `ended` were decided by database time.

    `budget_left_fen`: what its template may still give away, None without a budget.
    """

    id: int
    template_id: int
    template_version: int
    state: CouponState
    version: int
    name: str
    terms: Terms
    started: bool
    ended: bool
    ends_at: datetime
    budgeted: bool
    budget_left_fen: int | None


class CouponTaken(Conflict):
    """The coupon was locked by another order, or ended, since it was read."""

    code = "coupon_taken"
    message = "优惠券已被使用或已失效"


class CouponBudgetSpent(CouponTaken):
    """The template's budget went to other orders since it was read."""

    code = "coupon_budget_spent"
    message = "优惠券活动已结束"


class CouponStateConflict(Conflict):
    """The coupon moved on meanwhile."""

    code = "coupon_state_conflict"
    message = "优惠券状态已变化，请刷新后重试"


class CouponNotClaimable(Conflict):
    """The template gives out no coupon to this member now; `reason` says why."""

    code = "coupon_not_claimable"
    message = "该优惠券暂时无法领取"


class CouponCodeRefused(InvalidInput):
    """One answer for every code that gives nothing: unknown, used, stopped, over the limit, or not for this member."""

    code = "coupon_code_refused"
    message = "兑换码无效或已被使用"


class TooManyCodeTries(TooManyRequests):
    """The member tried too many codes in this hour, right or wrong."""

    code = "too_many_coupon_codes"
    message = "尝试次数过多，请稍后再试"


class TemplateNotFound(NotFound):
    """No such template."""


class TemplateStateConflict(Conflict):
    """The template is not in a state for this, or somebody changed it meanwhile."""

    code = "coupon_template_conflict"
    message = "优惠券活动状态已变化，请刷新后重试"


class InvalidTemplate(InvalidInput):
    """A template that contradicts itself; `field` names what is wrong."""

    code = "invalid_coupon_template"
    message = "优惠券设置有误"
