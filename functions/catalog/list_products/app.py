"""GET /products: products by category, brand, price and stock, in five orders, page by page."""

from typing import Annotated

from orchard.catalog.schemas import Cursor, Id, PageSize, Price, ProductFilter, ProductPage, ProductSort
from orchard.catalog.service import listing
from orchard.runtime.api import Api, Query, Transaction

api = Api()


@api.get("/products")
def list_products(
    tx: Transaction,
    category_id: Annotated[Id | None, Query()] = None,
    brand_id: Annotated[Id | None, Query()] = None,
    min_price_fen: Annotated[Price | None, Query()] = None,
    max_price_fen: Annotated[Price | None, Query()] = None,
    in_stock: Annotated[bool, Query()] = False,
    sort: Annotated[ProductSort, Query()] = ProductSort.DEFAULT,
    cursor: Annotated[Cursor | None, Query()] = None,
    limit: Annotated[PageSize, Query()] = 20,
) -> ProductPage:
    wanted = ProductFilter(category_id, brand_id, min_price_fen, max_price_fen, in_stock)
    return listing.list_products(tx, wanted, sort, cursor, limit)


handler = api.handler
