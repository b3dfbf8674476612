"""One store for an order. Listing and defining stores are in `directory`, which loads their schemas."""

from collections.abc import Sequence

from orchard.runtime.database import Row, Statement
from orchard.stores import store
from orchard.stores.models import Store
from orchard.stores.rules import delivers_to

__all__ = ["Store", "delivers_to", "read_store", "store_of", "store_statement"]


def store_statement(store_id: int) -> Statement:
    """The query for `read_store`: no row when there is no such store or it is closed."""
    return store.by_id(store_id)


def read_store(rows: Sequence[Row]) -> Store | None:
    """The store in the rows of `store_statement`, or None."""
    return store_of(rows[0]) if rows else None


def store_of(row: Row) -> Store:
    """A store from its row."""
    flags = {name: bool(row[name]) for name in ("supports_pickup", "supports_local_delivery")}
    position = {name: float(row[name]) for name in ("latitude", "longitude")}
    plain = {name: row[name] for name in Store.__slots__ if name != "store_id"}
    return Store(**{**plain, **flags, **position, "store_id": row["id"]})
