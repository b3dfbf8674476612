"""Answers of the catalogue. Money in fen; stock is live."""

from typing import Annotated

from pydantic import Field

from orchard.catalog.models import MAX_PAGE, ProductFilter, ProductSort
from orchard.core.schemas import Fen, Id, PlainText, Schema, UtcTime

__all__ = [
    "Brand", "BrandPage", "Category", "CategoryTree", "Cursor", "Fen", "Id", "PageSize", "Price", "ProductDetail",
    "ProductFilter", "ProductPage", "ProductSort", "ProductSummary", "SearchText", "SuggestionCount", "Suggestions",
]  # fmt: skip

PageSize = Annotated[int, Field(ge=1, le=MAX_PAGE)]
SuggestionCount = Annotated[int, Field(ge=1, le=20)]
# From the query string, where every number is text.
Price = Annotated[int, Field(ge=0, le=10**12)]
Cursor = Annotated[str, Field(min_length=1, max_length=512)]
SearchText = Annotated[PlainText, Field(min_length=1, max_length=64)]


class Category(Schema):
    """A category with everything below it, in the shop's order."""

    category_id: Id
    name: str
    description: str
    icon_url: str
    picture_url: str
    children: list["Category"]


class CategoryTree(Schema):
    """All categories, from the roots down."""

    categories: list[Category]


class Brand(Schema):
    """A brand."""

    brand_id: Id
    name: str
    description: str
    logo_url: str


class BrandPage(Schema):
    """A page of brands in the shop's order, and the cursor of the next one."""

    brands: list[Brand]
    next_cursor: str | None


class ProductSummary(Schema):
    """A product in a list: `price_fen` to `highest_price_fen` over its SKUs, `available` units of all of them now."""

    product_id: Id
    name: str
    brief: str
    unit: str
    picture_url: str
    list_price_fen: Fen
    price_fen: Fen
    highest_price_fen: Fen
    sales_count: int
    available: int
    in_stock: bool


class ProductPage(Schema):
    """A page of products and the cursor of the next one."""

    products: list[ProductSummary]
    next_cursor: str | None


class Suggestions(Schema):
    """Searches that begin with what was typed, the most useful first."""

    suggestions: list[str]


class SpecificationValue(Schema):
    """One value of a specification, with its picture where it has one."""

    value: str
    picture_url: str


class Specification(Schema):
    """A property that SKUs differ in, e.g. 规格 with 5斤装 and 10斤装."""

    name: str
    values: list[SpecificationValue]


class Attribute(Schema):
    """A property of the product as a whole, e.g. 产地: 陕西洛川."""

    name: str
    value: str


class Sku(Schema):
    """What is actually bought; `specification_values` follow the product's specifications. `available` is live."""

    sku_id: Id
    name: str
    specification_values: list[str]
    picture_url: str
    list_price_fen: Fen
    price_fen: Fen
    weight_grams: int
    available: int
    in_stock: bool


class ProductDetail(ProductSummary):
    """Everything about one product. `description` is HTML without scripts, safe to render."""

    category_id: Id
    category_name: str
    brand_id: Id | None
    brand_name: str | None
    pictures: list[str]
    video_url: str
    delivery_methods: list[str]
    specifications: list[Specification]
    attributes: list[Attribute]
    skus: list[Sku]
    description: str
    created_at: UtcTime
