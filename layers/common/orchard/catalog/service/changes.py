"""What the catalogue learns from orders and stock: sales counts, and which products are in stock.

Both run in the worker's transaction that also remembers the event, so each event has its effect once.
"""

from collections import Counter

from orchard.catalog.store import events as store
from orchard.inventory import service as inventory
from orchard.runtime.database import Tx
from orchard.runtime.queues import QueuedEvent


def record_sales(tx: Tx, event: QueuedEvent) -> None:
    """Add a paid order's quantities to its products' sales counts.

    `event`: order.paid with payload {"lines": [{"product_id", "quantity"}, ...]}.
    """
    sold: Counter[int] = Counter()
    for line in event.payload["lines"]:
        sold[int(line["product_id"])] += int(line["quantity"])
    if sold:
        tx.packet(store.add_sales(sold))


def refresh_availability(tx: Tx, event: QueuedEvent) -> None:
    """Set the in-stock flag of the products whose stock moved, from the live stock of their SKUs on sale.

    `event`: order.placed, order.closed or stock.adjusted with payload {"sku_ids": [...]}. Late, doubled and reordered
    events do no harm: the products are locked before the stock is read, so the last to run writes the truth.
    """
    sku_ids = {int(sku_id) for sku_id in event.payload["sku_ids"]}
    product_ids = store.lock_products_of(tx, sku_ids) if sku_ids else []
    if product_ids:
        tx.packet(store.set_in_stock(product_ids, in_stock(tx, product_ids)))


def in_stock(tx: Tx, product_ids: list[int]) -> set[int]:
    """Those of the products that have a SKU on sale with free units."""
    skus = store.skus_on_sale(tx, product_ids)
    available = inventory.available(tx, [sku_id for ids in skus.values() for sku_id in ids])
    return {product_id for product_id, ids in skus.items() if any(available[sku_id] > 0 for sku_id in ids)}
