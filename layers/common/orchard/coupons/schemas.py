"""Requests and answers about coupons, and what a merchant says when defining a template."""

from typing import Annotated, Any, Self

from pydantic import AwareDatetime, Field, model_validator

from orchard.core.schemas import Fen, Id, PlainText, Schema, UtcTime
from orchard.coupons.models import (
    Audience,
    Channel,
    CouponKind,
    CouponState,
    ScopeKind,
    TemplateState,
    Unclaimable,
)

# Handlers import these names from here.
__all__ = [
    "ClaimRequest",
    "ClaimableCoupons",
    "CodeBatch",
    "CouponPage",
    "CouponState",
    "MyCoupon",
    "RedemptionRequest",
    "TemplateDraft",
    "TemplateSummary",
]

_MOST_IDS = 100
Ids = Annotated[list[Id], Field(max_length=_MOST_IDS)]
PositiveFen = Annotated[int, Field(strict=True, ge=1, le=10**9)]


class CouponTerms(Schema):
    """What a coupon gives and what it is good for. A percentage is off the price: 20 means that 80 percent is paid."""

    kind: CouponKind
    amount_fen: Fen = 0
    percent_off: int = 0
    cap_fen: Fen | None = None
    threshold_fen: Fen = 0
    scope_kind: ScopeKind = ScopeKind.ALL
    scope_ids: Ids = Field(default_factory=list)
    excluded_category_ids: Ids = Field(default_factory=list)
    excluded_product_ids: Ids = Field(default_factory=list)


class ClaimableCoupon(CouponTerms):
    """A coupon of the centre as this member sees it. `reason` says why it cannot be claimed, None when it can."""

    template_id: Id
    name: str
    audience: Audience
    claimable: bool
    reason: Unclaimable | None
    owned: int
    per_member_limit: int
    remaining: int | None
    claim_from: UtcTime
    claim_until: UtcTime
    valid_from: UtcTime | None
    valid_until: UtcTime | None
    valid_days: int | None


class ClaimableCoupons(Schema):
    """The coupon centre: at most 100 templates, what ends first in front."""

    coupons: list[ClaimableCoupon]


class ClaimRequest(Schema):
    """Which coupon of the centre to claim."""

    template_id: Id


class RedemptionRequest(Schema):
    """A code as it was typed: case, blanks, hyphens, full width and look-alike letters do not matter."""

    code: Annotated[PlainText, Field(min_length=1, max_length=64)]


class MyCoupon(CouponTerms):
    """A coupon that the member holds, with the terms of the day they got it."""

    coupon_id: Id
    template_id: Id
    name: str
    state: CouponState
    starts_at: UtcTime
    ends_at: UtcTime
    started: bool


class CouponPage(Schema):
    """A page of the member's coupons in one state, what ends first in front."""

    coupons: list[MyCoupon]
    next_cursor: str | None


class TemplateDraft(CouponTerms):
    """A template as a merchant defines it. Exactly one of `valid_days` and the pair `valid_from`, `valid_until`.

    `budget_fen`: the most that all its coupons together may take off; None for no limit, like `quota`.
    """

    name: Annotated[PlainText, Field(min_length=1, max_length=40)]
    channel: Channel
    audience: Audience = Audience.EVERYONE
    quota: Annotated[int, Field(strict=True, ge=1, le=10**8)] | None = None
    per_member_limit: Annotated[int, Field(strict=True, ge=1, le=100)] = 1
    budget_fen: PositiveFen | None = None
    claim_from: AwareDatetime
    claim_until: AwareDatetime
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None
    valid_days: Annotated[int, Field(strict=True, ge=1, le=366)] | None = None
    returns_on_refund: bool = True

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        for wrong, message in self._contradictions():
            if wrong:
                raise ValueError(message)
        return self

    def _contradictions(self) -> list[tuple[bool, str]]:
        amount, percent = self.kind is CouponKind.AMOUNT, self.kind is CouponKind.PERCENT
        over_budget = self.budget_fen is not None and self.amount_fen > self.budget_fen
        return [
            (amount and not self.amount_fen, "an amount coupon takes something off"),
            (amount and (self.percent_off != 0 or self.cap_fen is not None), "an amount coupon has no percentage"),
            (amount and 0 < self.threshold_fen < self.amount_fen, "takes more off than must be bought"),
            (percent and not 1 <= self.percent_off <= 99, "a percentage is 1 to 99"),
            (percent and (self.amount_fen != 0 or self.cap_fen == 0), "a percentage coupon has no amount"),
            (over_budget, "the budget does not pay for one coupon"),
            (
                (self.scope_kind is ScopeKind.ALL) == bool(self.scope_ids),
                "ids go with a scope of categories or products",
            ),
            (self.claim_from >= self.claim_until, "the claim window ends before it begins"),
            *self._validity(),
        ]

    def _validity(self) -> list[tuple[bool, str]]:
        fixed = self.valid_from is not None and self.valid_until is not None
        neither = self.valid_from is None and self.valid_until is None
        one_kind = fixed if self.valid_days is None else neither
        found = [(not one_kind, "either days after the claim, or a beginning and an end")]
        if self.valid_from is not None and self.valid_until is not None:
            found.append((self.valid_from >= self.valid_until, "the validity ends before it begins"))
            found.append((self.claim_until > self.valid_until, "coupons could be claimed after their end"))
        return found


class TemplateSummary(Schema):
    """A template as it stands."""

    template_id: Id
    name: str
    version: int
    state: TemplateState
    issued: int
    budget_spent_fen: Fen


class CodeBatch(Schema):
    """New codes, shown this once: only their hashes are kept."""

    batch_id: Id
    codes: list[str]


def terms_fields(row: dict[str, Any], scope: dict[str, list[int]]) -> dict[str, Any]:
    """The fields of CouponTerms from a row and its parsed scope."""
    plain = ("kind", "amount_fen", "percent_off", "cap_fen", "threshold_fen", "scope_kind")
    return {
        **{name: row[name] for name in plain},
        "scope_ids": scope["ids"],
        "excluded_category_ids": scope["excluded_category_ids"],
        "excluded_product_ids": scope["excluded_product_ids"],
    }
