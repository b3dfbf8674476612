"""GET /brands: brands in the shop's order, page by page."""

from typing import Annotated

from orchard.catalog.schemas import BrandPage, Cursor, PageSize
from orchard.catalog.service import listing
from orchard.runtime.api import Api, Query, Transaction

api = Api()


@api.get("/brands")
def list_brands(
    tx: Transaction,
    cursor: Annotated[Cursor | None, Query()] = None,
    limit: Annotated[PageSize, Query()] = 50,
) -> BrandPage:
    return listing.list_brands(tx, cursor, limit)


handler = api.handler
