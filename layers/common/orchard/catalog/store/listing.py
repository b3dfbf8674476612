"""Lists: categories, brands, and pages of products as one index range each."""

from dataclasses import dataclass
from typing import Any, Literal

from orchard.catalog.models import ProductFilter, ProductSort
from orchard.core.paging import Key
from orchard.runtime.database import Row, Statement, Tx

WHOLE_SHOP = 0
SUMMARY = (
    "p.id AS product_id, p.name, p.brief, p.unit, p.picture_url, p.list_price_fen, p.price_fen, p.highest_price_fen,"
    " p.sales_count, p.sku_ids"
)


@dataclass(frozen=True, slots=True)
class SortOrder:
    """The index that delivers a sort, and the column before the product's id (None: the id alone)."""

    index: str
    column: str | None
    direction: Literal["ASC", "DESC"]


SORTS = {
    ProductSort.DEFAULT: SortOrder("by_position", "position", "ASC"),
    ProductSort.SALES: SortOrder("by_sales", "sales_count", "DESC"),
    ProductSort.PRICE_ASC: SortOrder("by_price", "price_fen", "ASC"),
    ProductSort.PRICE_DESC: SortOrder("by_price", "price_fen", "DESC"),
    ProductSort.NEWEST: SortOrder("by_age", None, "DESC"),
}


def categories(tx: Tx) -> list[Row]:
    """Every category in the shop's order."""
    return tx.rows(
        "SELECT id AS category_id, parent_id, name, description, icon_url, picture_url FROM category"
        " ORDER BY position, id"
    )


def brands(tx: Tx, after: Key | None, limit: int) -> list[Row]:
    """A page of brands in the shop's order, with the `position` that the cursor needs."""
    where, params = "", []
    if after is not None:
        where, params = "WHERE position > %s OR (position = %s AND id > %s)", [after[0], *after]
    return tx.rows(
        f"SELECT id AS brand_id, name, description, logo_url, position FROM brand FORCE INDEX (by_position) {where}"
        " ORDER BY position, id LIMIT %s",
        [*params, limit],
    )


def page(wanted: ProductFilter, sort: ProductSort, after: Key | None, limit: int) -> Statement:
    """A page of products, with `sort_key` for the cursor.

    Keyset in its OR form with the index forced: MariaDB would otherwise read the whole list up to the page.
    """
    order = SORTS[sort]
    where, params = _conditions(wanted)
    if after is not None:
        condition, more = _behind(order, after)
        where, params = [*where, condition], [*params, *more]
    keys = [f"l.{column} {order.direction}" for column in (order.column, "product_id") if column]
    return Statement(
        f"SELECT {SUMMARY}, l.{order.column or 'product_id'} AS sort_key"
        f" FROM product_listing l FORCE INDEX ({order.index}) STRAIGHT_JOIN product p ON p.id = l.product_id"
        f" WHERE {' AND '.join(where)} ORDER BY {', '.join(keys)} LIMIT %s",
        [*params, limit],
    )


def _conditions(wanted: ProductFilter) -> tuple[list[str], list[Any]]:
    """The list to walk, and what to pass over in it."""
    scope = wanted.category_id or wanted.brand_id or WHOLE_SHOP
    tests = [
        ("l.scope_id = %s", scope),
        ("l.brand_id = %s", wanted.brand_id if wanted.category_id else None),
        ("l.price_fen >= %s", wanted.min_price_fen),
        ("l.price_fen <= %s", wanted.max_price_fen),
        ("l.in_stock = %s", 1 if wanted.in_stock else None),
    ]
    used = [(condition, value) for condition, value in tests if value is not None]
    return [condition for condition, _ in used], [value for _, value in used]


def _behind(order: SortOrder, after: Key) -> tuple[str, list[Any]]:
    sign = ">" if order.direction == "ASC" else "<"
    if order.column is None:
        return f"l.product_id {sign} %s", list(after)
    column = f"l.{order.column}"
    return f"({column} {sign} %s OR ({column} = %s AND l.product_id {sign} %s))", [after[0], *after]
