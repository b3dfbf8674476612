"""Pages of products: their rows with live stock, and cursors that carry nothing out of range."""

import json
from collections.abc import Iterable, Sequence

from orchard.catalog.schemas import ProductSummary
from orchard.core.errors import InvalidInput
from orchard.core.paging import Key, decode_cursor
from orchard.inventory import service as inventory
from orchard.runtime.database import Row, Tx

_MAX_BIGINT = 2**63 - 1


def cursor_key(scope: str, cursor: str | None, size: int) -> Key | None:
    """The `size` whole numbers in a cursor of this list. Raises InvalidInput for anything else."""
    key = decode_cursor(scope, cursor, (int,) * size)
    if key is not None and any(isinstance(part, int) and not 0 <= part <= _MAX_BIGINT for part in key):
        raise InvalidInput("翻页参数无效", field="cursor")
    return key


def with_stock(tx: Tx, rows: Sequence[Row]) -> list[ProductSummary]:
    """The products of a page with what is available of them now: one query for all."""
    skus = {row["product_id"]: json.loads(row["sku_ids"]) for row in rows}
    available = inventory.available(tx, [sku_id for ids in skus.values() for sku_id in ids])
    return [summary(row, (available[sku_id] for sku_id in skus[row["product_id"]])) for row in rows]


def summary(row: Row, available: Iterable[int]) -> ProductSummary:
    """A product in a list."""
    units = sum(available)
    fields = {name: row[name] for name in ProductSummary.model_fields if name in row}
    # Our own rows need no second validation; the edge validates the answer as a whole.
    return ProductSummary.model_construct(**fields, available=units, in_stock=units > 0)
