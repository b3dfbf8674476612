"""GET /products/search: products by words, the most relevant first, page by page."""

from typing import Annotated

from orchard.catalog.schemas import Cursor, PageSize, ProductPage, SearchText
from orchard.catalog.service import searching
from orchard.runtime.api import Api, Query, Transaction

api = Api()


@api.get("/products/search")
def search_products(
    tx: Transaction,
    q: Annotated[SearchText, Query()],
    cursor: Annotated[Cursor | None, Query()] = None,
    limit: Annotated[PageSize, Query()] = 20,
) -> ProductPage:
    return searching.search_products(tx, q, cursor, limit)


handler = api.handler
