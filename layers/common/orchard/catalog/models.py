"""What others see of a SKU, the sorts and filters of lists, and what may go wrong with them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from orchard.core.errors import InvalidInput

MAX_PAGE = 50
_NO_LIMIT = 2**63


class ProductSort(StrEnum):
    """The orders a list may come in; ties by product, newest last in `default` and `price_asc`."""

    DEFAULT = "default"
    SALES = "sales"
    PRICE_ASC = "price_asc"
    PRICE_DESC = "price_desc"
    NEWEST = "newest"


class PriceRangeReversed(InvalidInput):
    """The lower end of the price range is above the upper one."""

    code = "price_range_reversed"
    message = "最低价不能高于最高价"


@dataclass(frozen=True, slots=True)
class ProductFilter:
    """Which products to list: a category and all below it, a brand, a price range in fen, in stock only."""

    category_id: int | None = None
    brand_id: int | None = None
    min_price_fen: int | None = None
    max_price_fen: int | None = None
    in_stock: bool = False

    def check(self) -> None:
        """Raises PriceRangeReversed."""
        if (self.min_price_fen or 0) > (self.max_price_fen if self.max_price_fen is not None else _NO_LIMIT):
            raise PriceRangeReversed

    @property
    def scope(self) -> str:
        """The filter in one line, to bind cursors to it."""
        parts = (self.category_id, self.brand_id, self.min_price_fen, self.max_price_fen, self.in_stock)
        return ":".join("" if part is None else str(int(part)) for part in parts)


class SkuSnapshot(NamedTuple):
    """A SKU as cart, pricing and orders need it. Prices in fen; `on_sale` counts the product's flag too.

    `delivery_methods` holds some of express, pickup, local; `freight_template_id` None means the shop's default.
    """

    sku_id: int
    product_id: int
    category_id: int
    product_name: str
    sku_name: str
    picture_url: str
    list_price_fen: int
    price_fen: int
    weight_grams: int
    volume_cm3: int
    freight_template_id: int | None
    on_sale: bool
    delivery_methods: frozenset[str]
