"""SKUs as cart, pricing and orders need them."""

from collections.abc import Collection, Iterable, Sequence

from orchard.catalog.models import SkuSnapshot
from orchard.catalog.store import detail as store
from orchard.runtime.database import Row, Statement, Tx


def skus_statement(sku_ids: Sequence[int]) -> Statement:
    """The statement whose rows `read_skus` reads, for a packet; refuses an empty list (ValueError)."""
    return store.snapshots(sku_ids)


def read_skus(rows: Iterable[Row]) -> dict[int, SkuSnapshot]:
    """sku_id -> snapshot; SKUs that do not exist are absent, those off sale say so."""
    return {row["sku_id"]: _snapshot(row) for row in rows}


def skus(tx: Tx, sku_ids: Sequence[int]) -> dict[int, SkuSnapshot]:
    """The snapshots of these SKUs in one query; none for an empty list."""
    return read_skus(tx.packet([skus_statement(sku_ids)])[0].rows) if sku_ids else {}


def lineage_statement(sku_ids: Sequence[int]) -> Statement:
    """The statement whose rows `read_lineage` reads, for a packet; refuses an empty list (ValueError)."""
    return store.lineages(sku_ids)


def read_lineage(rows: Iterable[Row]) -> dict[int, frozenset[int]]:
    """category_id -> itself and every category above it, for the categories of the statement's SKUs."""
    found: dict[int, set[int]] = {}
    for row in rows:
        found.setdefault(row["category_id"], set()).add(row["ancestor_id"])
    return {category_id: frozenset(ids) for category_id, ids in found.items()}


def unknown_categories(tx: Tx, ids: Collection[int]) -> set[int]:
    """Those of the ids that are no category."""
    return _unknown(tx, "category", ids)


def unknown_products(tx: Tx, ids: Collection[int]) -> set[int]:
    """Those of the ids that are no product."""
    return _unknown(tx, "product", ids)


def _unknown(tx: Tx, table: str, ids: Collection[int]) -> set[int]:
    if not ids:
        return set()
    return set(ids) - {row["id"] for row in tx.packet([store.known(table, sorted(ids))])[0].rows}


def _snapshot(row: Row) -> SkuSnapshot:
    methods = frozenset(row["delivery_methods"].split(","))
    return SkuSnapshot(**{**row, "on_sale": bool(row["on_sale"]), "delivery_methods": methods})
