"""Requests and answers of the cart. Prices are only ever answered, never taken."""

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from orchard.cart.models import MAX_LINES, CartScope, InvalidReason
from orchard.core.schemas import Fen, Id, Quantity, Schema, UtcTime

# Handlers import these names from here.
__all__ = ["AddedLine", "Cart", "CartScope", "LineChange", "LineDraft", "Selection"]

Flag = Annotated[bool, Field(strict=True)]


class LineDraft(Schema):
    """One SKU to add, and how many of it."""

    sku_id: Id
    quantity: Quantity


class AddedLine(Schema):
    """The line after adding, with what the badge shows: lines and units in the whole cart."""

    line_id: Id
    sku_id: Id
    quantity: int
    line_count: int
    unit_count: int


class Selection(Schema):
    """Select or leave out the named lines, or with `all` every line."""

    line_ids: Annotated[list[Id], Field(min_length=1, max_length=MAX_LINES)] | SkipJsonSchema[None] = None
    all: Flag = False
    selected: Flag

    @model_validator(mode="after")
    def _names_lines_or_all(self) -> Self:
        if (self.line_ids is None) is not self.all:
            raise ValueError("name lines, or all")
        return self


class LineChange(Schema):
    """What to change of a line: how many, which specification (a SKU of the same product), whether selected."""

    quantity: Quantity | SkipJsonSchema[None] = None
    sku_id: Id | SkipJsonSchema[None] = None
    selected: Flag | SkipJsonSchema[None] = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if any(getattr(self, name) is None for name in self.model_fields_set) or not self.model_fields_set:
            raise ValueError("name at least one change, none of them null")
        return self


class CartLine(Schema):
    """A line that can be bought. `price_fen` is now, `added_price_fen` when it was added; amounts in fen."""

    line_id: Id
    sku_id: Id
    product_id: Id
    product_name: str
    sku_name: str
    picture_url: str
    quantity: int
    selected: bool
    list_price_fen: Fen
    price_fen: Fen
    added_price_fen: Fen
    subtotal_fen: int
    available: int
    added_at: UtcTime


class InvalidLine(Schema):
    """A line that cannot be bought as it stands, and why; of a deleted SKU only the ids are left."""

    line_id: Id
    sku_id: Id
    product_id: Id
    product_name: str | None
    sku_name: str | None
    picture_url: str | None
    quantity: int
    price_fen: Fen | None
    added_price_fen: Fen
    available: int
    added_at: UtcTime
    reason: InvalidReason


class CartTotals(Schema):
    """What the selected lines come to, goods alone.

    `free_freight_gap_fen`: what is missing for free express, 0 once reached, null where the shop has no such threshold.
    """

    line_count: int
    unit_count: int
    goods_fen: int
    discount_fen: int
    payable_fen: int
    free_freight_gap_fen: int | None


class Cart(Schema):
    """The whole cart, newest line first; `line_count` counts invalid lines too."""

    lines: list[CartLine]
    invalid_lines: list[InvalidLine]
    line_count: int
    totals: CartTotals
