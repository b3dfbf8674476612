"""GET /stores: open stores, nearest first when the shopper says where they are."""

from typing import Annotated

from orchard.core.schemas import RegionCode
from orchard.runtime.api import Api, Query, Transaction
from orchard.stores.schemas import Latitude, Longitude, StorePage, StoreSearch
from orchard.stores.service import directory

api = Api()


@api.get("/stores")
def list_stores(
    tx: Transaction,
    region_code: Annotated[RegionCode | None, Query()] = None,
    latitude: Annotated[Latitude | None, Query()] = None,
    longitude: Annotated[Longitude | None, Query()] = None,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
) -> StorePage:
    search = StoreSearch(region_code=region_code, latitude=latitude, longitude=longitude, limit=limit)
    return directory.list_stores(tx, search, cursor)


handler = api.handler
