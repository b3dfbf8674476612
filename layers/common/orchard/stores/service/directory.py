"""Stores: list them, read one for an order, define them."""

from dataclasses import asdict

from orchard.core import clock
from orchard.core.errors import InvalidInput
from orchard.core.ids import new_id
from orchard.core.paging import decode_cursor, encode_cursor
from orchard.runtime.database import Row, Tx
from orchard.stores import store
from orchard.stores.rules import region_prefix
from orchard.stores.schemas import StoreCard, StoreDraft, StorePage, StoreSearch
from orchard.stores.service import store_of


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


def define_store(tx: Tx, draft: StoreDraft) -> int:
    """Create the store, or change the one with the same code; returns its id."""
    values = {"id": new_id(), **draft.model_dump(), "updated_at": clock.to_database(clock.utc_now())}
    _, found = tx.packet([store.upsert(values), store.id_by_code(draft.code)])
    return int(found.rows[0]["id"])


def _card(row: Row) -> StoreCard:
    distance = row["distance_metres"]
    return StoreCard(**asdict(store_of(row)), distance_metres=None if distance is None else int(distance))


def _next(scope: str, last: StoreCard) -> str:
    key = (last.store_id,) if last.distance_metres is None else (last.distance_metres, last.store_id)
    return encode_cursor(scope, key)
