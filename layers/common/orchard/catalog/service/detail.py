"""One product, whole."""

import json

from orchard.catalog.schemas import ProductDetail, Sku
from orchard.catalog.store import detail as store
from orchard.core.clock import from_database
from orchard.core.errors import NotFound
from orchard.inventory import service as inventory
from orchard.runtime.database import Row, Tx


def show_product(tx: Tx, product_id: int) -> ProductDetail:
    """A product on sale with its SKUs and their live stock: three queries in two round trips. Raises NotFound."""
    found, sku_rows = tx.packet([store.product(product_id), store.skus_of(product_id)])
    if not found.rows:
        raise NotFound
    row = found.rows[0]
    available = inventory.available(tx, [sku["sku_id"] for sku in sku_rows.rows])
    units = sum(available.values())
    plain = {name: row[name] for name in ProductDetail.model_fields if name in row}
    return ProductDetail(**{**plain, **_decoded(row)}, available=units, in_stock=units > 0,
                         skus=[_sku(sku, row, available[sku["sku_id"]]) for sku in sku_rows.rows])  # fmt: skip


def _decoded(row: Row) -> Row:
    return {
        **{name: json.loads(row[name]) for name in ("pictures", "specifications", "attributes")},
        "delivery_methods": row["delivery_methods"].split(","),
        "created_at": from_database(row["created_at"]),
    }


def _sku(row: Row, product: Row, available: int) -> Sku:
    values = json.loads(row["specification_values"])
    picture = row["picture_url"] or product["picture_url"]
    return Sku(**{**row, "specification_values": values, "picture_url": picture},
               available=available, in_stock=available > 0)  # fmt: skip
