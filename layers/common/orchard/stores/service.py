"""Stores: list them, read one for an order, define them."""

from collections.abc import Sequence
from dataclasses import asdict

from orchard.core import clock
from orchard.core.errors import InvalidInput
from orchard.core.ids import new_id
from orchard.core.paging import decode_cursor, encode_cursor
from orchard.runtime.database import Row, Statement, Tx
from orchard.stores import store
from orchard.stores.models import Store
from orchard.stores.rules import delivers_to, distance_metres, region_prefix
from orchard.stores.schemas import StoreCard, StoreDraft, StorePage, StoreSearch

__all__ = [
    "Store", "StoreDraft", "define_store", "delivers_to", "distance_metres", "list_stores", "read_store",
    "store_statement",
]  # fmt: skip


def list_stores(tx: Tx, search: StoreSearch, cursor: str | None = None) -> StorePage:
    """Open stores, nearest first with a position. Raises InvalidInput for half a position or a foreign cursor."""
    if (search.latitude is None) != (search.longitude is None):
        raise InvalidInput("位置信息不完整", field="longitude" if search.longitude is None else "latitude")
    prefix = region_prefix(search.region_code) if search.region_code else ""
    scope = f"stores:{prefix}:{search.position}"
    if search.position is None:
        key = decode_cursor(scope, cursor, (int,)) or (0,)
        rows = store.page(tx, prefix, int(key[0]), search.limit + 1)
    else:
        distance, after_id = decode_cursor(scope, cursor, (int, int)) or (-1, 0)
        rows = store.nearest(tx, prefix, search.position, (int(distance), int(after_id)), search.limit + 1)
    cards = [_card(row) for row in rows[: search.limit]]
    return StorePage(stores=cards, next_cursor=_next(scope, cards[-1]) if len(rows) > search.limit else None)


def store_statement(store_id: int) -> Statement:
    """The query for `read_store`: no row when there is no such store or it is closed."""
    return store.by_id(store_id)


def read_store(rows: Sequence[Row]) -> Store | None:
    """The store in the rows of `store_statement`, or None."""
    return _store(rows[0]) if rows else None


def define_store(tx: Tx, draft: StoreDraft) -> int:
    """Create the store, or change the one with the same code; returns its id."""
    values = {"id": new_id(), **draft.model_dump(), "updated_at": clock.to_database(clock.utc_now())}
    _, found = tx.packet([store.upsert(values), store.id_by_code(draft.code)])
    return int(found.rows[0]["id"])


def _store(row: Row) -> Store:
    flags = {name: bool(row[name]) for name in ("supports_pickup", "supports_local_delivery")}
    position = {name: float(row[name]) for name in ("latitude", "longitude")}
    plain = {name: row[name] for name in Store.__slots__ if name != "store_id"}
    return Store(**{**plain, **flags, **position, "store_id": row["id"]})


def _card(row: Row) -> StoreCard:
    distance = row["distance_metres"]
    return StoreCard(**asdict(_store(row)), distance_metres=None if distance is None else int(distance))


def _next(scope: str, last: StoreCard) -> str:
    key = (last.store_id,) if last.distance_metres is None else (last.distance_metres, last.store_id)
    return encode_cursor(scope, key)
