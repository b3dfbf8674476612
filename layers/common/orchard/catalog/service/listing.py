"""Categories, brands and lists of products."""

from collections import defaultdict

from orchard.catalog.models import ProductFilter
from orchard.catalog.schemas import Brand, BrandPage, Category, CategoryTree, ProductPage, ProductSort
from orchard.catalog.service.pages import cursor_key, with_stock
from orchard.catalog.store import listing as store
from orchard.core.paging import encode_cursor
from orchard.runtime.database import Row, Tx

_BRANDS = "brands"


def list_categories(tx: Tx) -> CategoryTree:
    """All categories as a tree, in one query."""
    below: dict[int | None, list[Row]] = defaultdict(list)
    for row in store.categories(tx):
        below[row["parent_id"]].append(row)
    return CategoryTree(categories=_branch(below, None))


def _branch(below: dict[int | None, list[Row]], parent_id: int | None) -> list[Category]:
    return [
        Category(
            **{name: value for name, value in row.items() if name != "parent_id"},
            children=_branch(below, row["category_id"]),
        )
        for row in below.get(parent_id, [])
    ]


def list_brands(tx: Tx, cursor: str | None, limit: int) -> BrandPage:
    """A page of brands in the shop's order. Raises InvalidInput for a foreign cursor."""
    rows = store.brands(tx, cursor_key(_BRANDS, cursor, 2), limit + 1)
    shown = rows[:limit]
    last = (shown[-1]["position"], shown[-1]["brand_id"]) if len(rows) > limit else None
    brands = [Brand(**{name: row[name] for name in Brand.model_fields}) for row in shown]
    return BrandPage(brands=brands, next_cursor=encode_cursor(_BRANDS, last) if last else None)


def list_products(tx: Tx, wanted: ProductFilter, sort: ProductSort, cursor: str | None, limit: int) -> ProductPage:
    """A page of products in two queries: the page, its stock.

    A cursor belongs to its filter and sort. Raises InvalidInput for a foreign cursor, PriceRangeReversed.
    """
    wanted.check()
    scope = f"products:{sort}:{wanted.scope}"
    by_id_alone = store.SORTS[sort].column is None
    after = cursor_key(scope, cursor, 1 if by_id_alone else 2)
    rows = tx.packet([store.page(wanted, sort, after, limit + 1)])[0].rows
    shown = rows[:limit]
    last = (shown[-1]["sort_key"], shown[-1]["product_id"])[1 if by_id_alone else 0 :] if len(rows) > limit else None
    return ProductPage(products=with_stock(tx, shown), next_cursor=encode_cursor(scope, last) if last else None)
