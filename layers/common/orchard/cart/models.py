"""Words of the cart: its limits, its lines, why a line cannot be bought, what is refused."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from orchard.core.errors import Conflict

MAX_LINES = 100
MAX_QUANTITY = 999


class InvalidReason(StrEnum):
    """Why a line cannot be bought as it stands."""

    OFF_SALE = "off_sale"
    DELETED = "deleted"
    OUT_OF_STOCK = "out_of_stock"
    TOO_MANY = "too_many"


class CartScope(StrEnum):
    """Which lines to clear."""

    ALL = "all"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class CartRow:
    """A line as it is kept. `added_price_fen` is the price when it was last added; `added_at` is UTC."""

    line_id: int
    sku_id: int
    product_id: int
    quantity: int
    selected: bool
    added_price_fen: int
    added_at: datetime


class CartFull(Conflict):
    """The cart has as many lines as it may."""

    code = "cart_full"
    message = "购物车已满，请先清理部分商品"


class TooManyOfOne(Conflict):
    """More of one SKU than a line may hold."""

    code = "too_many_of_one"
    message = "单件商品最多购买999件"


class SkuOffSale(Conflict):
    """The SKU is known, but not for sale now."""

    code = "sku_off_sale"
    message = "商品已下架"


class SkuOfOtherProduct(Conflict):
    """A line may change its specification, not its product."""

    code = "sku_of_other_product"
    message = "只能更换为同一商品的其他规格"
