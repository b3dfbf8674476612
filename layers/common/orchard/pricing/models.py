"""What pricing reads and what it answers. All amounts are integer fen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from orchard.catalog.models import SkuSnapshot
from orchard.core.errors import InvalidInput

# The region code that matches everywhere in the country.
NATIONAL = "000000"


class StepName(StrEnum):
    """The places of the pipeline, in their order. Each step reads what the ones before left to pay."""

    ACTIVITY = "activity"
    LINE_DISCOUNT = "line_discount"
    THRESHOLD = "threshold"
    COUPON = "coupon"
    POINTS = "points"
    FREIGHT = "freight"
    POINTS_EARNED = "points_earned"


class DeliveryMethod(StrEnum):
    """How goods reach the shopper."""

    EXPRESS = "express"
    PICKUP = "pickup"
    LOCAL = "local"


class ChargeBy(StrEnum):
    """What freight is counted in: pieces, grams, or cubic centimetres."""

    PIECE = "piece"
    WEIGHT = "weight"
    VOLUME = "volume"


class Combination(StrEnum):
    """How several templates of one order add up.

    `sum`: each its own fee. `dearest_first`: only the dearest first fee is charged, the others pay steps for all
    their units, though never more than their own whole fee.
    """

    SUM = "sum"
    DEAREST_FIRST = "dearest_first"


class PricingLine(NamedTuple):
    """A number of one SKU, as the shopper asks for it."""

    sku: SkuSnapshot
    quantity: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """The chosen method. Express needs the six-digit region code; local needs the store's fee and minimum."""

    method: str
    region_code: str | None = None
    local_fee_fen: int = 0
    local_minimum_fen: int = 0

    def __post_init__(self) -> None:
        if DeliveryMethod(self.method) is DeliveryMethod.EXPRESS and self.region_code is None:
            raise ValueError("express delivery needs a region")


class LineDiscount(NamedTuple):
    """What one rule takes off one line."""

    step: str
    rule_id: str
    amount_fen: int


class PricedLine(NamedTuple):
    """One line with every part of its price.

    goods_payable = gross - discounts; payable = goods_payable + freight.
    """

    sku_id: int
    quantity: int
    unit_list_price_fen: int
    unit_price_fen: int
    gross_fen: int
    discounts: tuple[LineDiscount, ...]
    goods_payable_fen: int
    freight_fen: int
    payable_fen: int


class TraceEntry(NamedTuple):
    """What one rule did: SKUs and, for each, the signed amount. Summed over entries they are what each line pays."""

    step: str
    rule_id: str
    version: int
    lines: tuple[int, ...]
    amounts: tuple[int, ...]

    def as_json(self) -> dict[str, Any]:
        """The stored form; ids are strings, since JavaScript cannot hold them."""
        return {
            "step": self.step,
            "rule_id": self.rule_id,
            "version": str(self.version),
            "lines": [str(sku_id) for sku_id in self.lines],
            "amounts_fen": list(self.amounts),
        }


@dataclass(frozen=True, slots=True)
class PricedOrder:
    """The price of all lines together; every total is a sum over `lines`, which keep the caller's order.

    `undeliverable`: SKUs that this delivery cannot bring; they carry no freight, and an order with any must be refused.
    `free_freight_gap_fen`: what is missing for free express, 0 once reached, None where no threshold applies.
    `minimum_gap_fen`: what is missing to the store's minimum for local delivery; above 0 the order must be refused.
    """

    lines: tuple[PricedLine, ...]
    goods_fen: int
    discount_fen: int
    freight_fen: int
    payable_fen: int
    trace: tuple[TraceEntry, ...]
    undeliverable: tuple[int, ...]
    free_freight_gap_fen: int | None
    minimum_gap_fen: int

    def trace_json(self) -> list[dict[str, Any]]:
        """The trace as JSON-able objects, in the order in which the rules worked."""
        return [entry.as_json() for entry in self.trace]


class FreightRate(NamedTuple):
    """`first_units` cost `first_fee_fen`; every further `step_units`, begun or whole, cost `step_fee_fen`."""

    first_units: int
    first_fee_fen: int
    step_units: int
    step_fee_fen: int


class FreeRow(NamedTuple):
    """Free freight for a template's lines once both their pieces and their goods payable reach the minimum."""

    minimum_quantity: int
    minimum_amount_fen: int


@dataclass(frozen=True, slots=True)
class FreightTemplate:
    """Rates and free rows by region code; a rate of None says that the region is not served."""

    template_id: int
    name: str
    charge_by: ChargeBy
    rates: Mapping[str, FreightRate | None]
    free_rows: Mapping[str, FreeRow] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FreightBook:
    """Everything that freight is computed from, at one version.

    A SKU without a template takes the default one; without a default it travels free, everywhere.
    """

    version: int
    combination: Combination = Combination.SUM
    free_threshold_fen: int | None = None
    default_template_id: int | None = None
    templates: Mapping[int, FreightTemplate] = field(default_factory=dict)


class InvalidFreight(InvalidInput):
    """A template or policy that could not be computed with; `field` names what is wrong."""

    code = "invalid_freight"
    message = "运费设置有误"
