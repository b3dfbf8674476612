"""Requests and answers of quoting and placing orders."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from orchard.core.schemas import Fen, Id, PlainText, Quantity, Schema, UtcTime
from orchard.coupons.models import Unusable
from orchard.orders.models import OrderState
from orchard.pricing.models import DeliveryMethod


class DraftLine(Schema):
    """One SKU and how many of it."""

    sku_id: Id
    quantity: Quantity


class DeliveryChoice(Schema):
    """Express needs an address, pickup a store, local delivery both. A quote may be asked without the address."""

    method: DeliveryMethod
    address_id: Id | None = None
    store_id: Id | None = None

    @model_validator(mode="after")
    def _fits_method(self) -> Self:
        if self.method is DeliveryMethod.EXPRESS and self.store_id is not None:
            raise ValueError("express takes no store")
        if self.method is not DeliveryMethod.EXPRESS and self.store_id is None:
            raise ValueError("pickup and local delivery need a store")
        return self


class GroupBuyChoice(Schema):
    """Which group-buy activity the order is for: it joins `group_id`, or opens a group of its own."""

    activity_id: Id
    group_id: Id | None = None


class QuoteRequest(Schema):
    """What the shopper would like to buy. Prices come from the shop, never from here."""

    lines: Annotated[list[DraftLine], Field(min_length=1, max_length=100)]
    delivery: DeliveryChoice
    # The coupon to use; a quote proposes the best one but applies only what is named here.
    coupon_id: Id | None = None
    # Buy at the activity's price and wait for the group; stands for one line and no coupon.
    group_buy: GroupBuyChoice | None = None

    @model_validator(mode="after")
    def _one_line_per_sku(self) -> Self:
        if len({line.sku_id for line in self.lines}) != len(self.lines):
            raise ValueError("a SKU stands on two lines")
        return self


class OrderDraft(QuoteRequest):
    """An order for the lines of a quote. `quote_digest` says which prices the shopper agreed to."""

    quote_digest: Annotated[str, Field(pattern=r"^[0-9a-f]{16,64}$")]
    remark: Annotated[PlainText, Field(max_length=200)] = ""
    from_cart: bool = False


class QuotedLine(Schema):
    """A line as it would be bought now, fen throughout."""

    sku_id: Id
    product_id: Id
    product_name: str
    sku_name: str
    picture_url: str
    quantity: int
    available: int
    unit_list_price_fen: Fen
    unit_price_fen: Fen
    gross_fen: Fen
    discount_fen: Fen
    freight_fen: Fen
    payable_fen: Fen


Reason = Literal[
    "not_for_sale", "out_of_stock", "undeliverable", "method_unsupported", "address_required", "store_unavailable",
    "below_local_minimum", "coupon_unusable", "group_buy_not_started", "group_buy_ended", "group_buy_not_offered",
    "group_buy_sold_out", "group_buy_order_limit", "group_buy_member_limit", "group_buy_in_a_group", "group_over",
    "group_full",
]  # fmt: skip


class Problem(Schema):
    """Why the order could not be placed as it stands; `sku_id` where one line is the cause."""

    reason: Reason
    sku_id: Id | None = None
    available: int | None = None


class UsableCoupon(Schema):
    """A coupon that would make this order cheaper; `saving_fen` is what the whole order would cost less."""

    coupon_id: Id
    name: str
    saving_fen: Fen
    ends_at: UtcTime


class UnusableCoupon(Schema):
    """A coupon that cannot be used on this order, why, and what its goods lack to its threshold."""

    coupon_id: Id
    name: str
    reason: Unusable
    missing_fen: Fen
    ends_at: UtcTime


class CouponChoice(Schema):
    """The member's coupons for this order: usable ones by saving, the best first, and the rest with their reasons."""

    best_coupon_id: Id | None
    applied_coupon_id: Id | None
    usable: list[UsableCoupon]
    unusable: list[UnusableCoupon]


class Quote(Schema):
    """What the order would cost now. `digest` changes whenever anything paid or delivered would.

    `coupons` is None where no coupon may be used, and in answers to placing, which proposes nothing.
    """

    lines: list[QuotedLine]
    goods_fen: Fen
    discount_fen: Fen
    freight_fen: Fen
    payable_fen: Fen
    free_freight_gap_fen: Fen | None
    problems: list[Problem]
    coupons: CouponChoice | None = None
    trace: list[dict[str, object]]
    digest: str


class PlacedOrder(Schema):
    """The receipt of placing: pay before `expires_at`, or the order is closed."""

    order_number: str
    state: OrderState
    payable_fen: Fen
    expires_at: UtcTime


class CancelledOrder(Schema):
    """The order is closed and everything it held is given back."""

    order_number: str
    state: OrderState
