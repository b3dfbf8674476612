"""Loading a whole catalogue in one transaction: readers see the shop before it or after it, never between.

Natural keys are codes: what exists is updated, what is new is added, what the file does not name stays. SKUs that a
product no longer has go off sale. Stock is opened for new SKUs only; later it moves through the stock ledger.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orchard.catalog import checks, indexing
from orchard.catalog.checks import Catalogue, LineError
from orchard.catalog.pipeline import Pipeline
from orchard.catalog.records import ProductRecord
from orchard.catalog.rowmaking import brand_row, category_row, detail_row, product_row, sku_row
from orchard.catalog.service.changes import in_stock
from orchard.catalog.store import events, loading
from orchard.core.ids import new_id
from orchard.inventory import service as inventory
from orchard.runtime.database import Tx

CutWords = Callable[[str], list[str]]


class CatalogueRefusedError(Exception):
    """The file does not fit the shop's catalogue; nothing of it was loaded."""

    def __init__(self, errors: Sequence[LineError]) -> None:
        self.errors = list(errors)
        super().__init__(f"{len(self.errors)} bad lines")


@dataclass(frozen=True, slots=True)
class Loaded:
    """How much an import wrote."""

    categories: int
    brands: int
    products: int
    skus: int
    new_products: int
    new_skus: int


def load(tx: Tx, catalogue: Catalogue, cut_words: CutWords) -> Loaded:
    """Write the catalogue; `cut_words` cuts a name into words for the search. Raises CatalogueRefusedError."""
    with Pipeline(tx) as pipeline:
        pipeline.now(loading.lock)
        errors = pipeline.now(checks.against_shop, catalogue)
        if errors:
            raise CatalogueRefusedError(errors)
        categories, brands = _load_categories(pipeline, catalogue), _load_brands(pipeline, catalogue)
        known = pipeline.now(_known, catalogue)
        # Asked before the first write: what is new is in the file and touched anyway.
        touched = set(pipeline.now(checks.products_below, catalogue))
        records = [record for _, record in catalogue.products.values()]
        batches = [_load_products(pipeline, part, known, categories, brands) for part in loading.chunks(records)]
        touched.update(product_id for batch in batches for product_id in batch.product_ids)
        indexing.publish(pipeline, sorted(touched), cut_words)
    return Loaded(
        categories=len(catalogue.categories),
        brands=len(catalogue.brands),
        products=len(catalogue.products),
        skus=sum(len(record.skus) for _, record in catalogue.products.values()),
        new_products=sum(batch.new_products for batch in batches),
        new_skus=sum(batch.new_skus for batch in batches),
    )


def _load_categories(pipeline: Pipeline, catalogue: Catalogue) -> dict[str, int]:
    """code -> id of every category of the shop after the import."""
    parents = pipeline.now(checks.merged_parents, catalogue)
    ids = pipeline.now(loading.ids_by_code, "category", parents)
    for code in catalogue.categories:
        ids.setdefault(code, new_id())
    if catalogue.categories:
        rows = [category_row(record, ids) for _, record in catalogue.categories.values()]
        pipeline.later(loading.upsert, "category", rows)
        above = {ids[code]: [ids[up] for up in checks.chain(code, parents)] for code in parents}
        pipeline.later(loading.replace_ancestors, above)
    return ids


def _load_brands(pipeline: Pipeline, catalogue: Catalogue) -> dict[str, int]:
    """code -> id of the brands that the file names or uses."""
    used = {record.brand for _, record in catalogue.products.values() if record.brand}
    ids = pipeline.now(loading.ids_by_code, "brand", used | catalogue.brands.keys())
    for code in catalogue.brands:
        ids.setdefault(code, new_id())
    pipeline.later(loading.upsert, "brand", [brand_row(record, ids) for _, record in catalogue.brands.values()])
    return ids


@dataclass(frozen=True, slots=True)
class _Known:
    """code -> id of the file's products and SKUs that exist."""

    products: dict[str, int]
    skus: dict[str, int]


def _known(tx: Tx, catalogue: Catalogue) -> _Known:
    products = loading.ids_by_code(tx, "product", catalogue.products)
    # No product may take another's SKU, so new products have new SKUs only.
    return _Known(products, loading.ids_by_code(tx, "sku", catalogue.sku_lines) if products else {})


@dataclass(frozen=True, slots=True)
class _Batch:
    product_ids: list[int]
    new_products: int
    new_skus: int


def _load_products(
    pipeline: Pipeline,
    records: Sequence[ProductRecord],
    known: _Known,
    categories: dict[str, int],
    brands: dict[str, int],
) -> _Batch:
    ids = {record.code: known.products.get(record.code) or new_id() for record in records}
    sku_ids = {sku.code: known.skus.get(sku.code) or new_id() for record in records for sku in record.skus}
    rows = [product_row(record, ids[record.code], sku_ids, categories, brands) for record in records]
    pipeline.later(loading.upsert, "product", rows)
    details = [detail_row(record, ids[record.code]) for record in records]
    pipeline.later(loading.upsert, "product_detail", details)
    skus = [
        sku_row(sku, position, record, (ids[record.code], sku_ids[sku.code]))
        for record in records
        for position, sku in enumerate(record.skus)
    ]
    pipeline.later(loading.upsert, "sku", skus)
    opened = [(sku_ids[sku.code], sku.stock) for record in records for sku in record.skus if sku.code not in known.skus]
    updated = sorted(ids[record.code] for record in records if record.code in known.products)
    pipeline.later(_settle, updated, sorted(sku_ids.values()), opened)
    return _Batch(list(ids.values()), len(ids) - len(updated), len(opened))


def _settle(tx: Tx, updated: list[int], sku_ids: list[int], opened: list[tuple[int, int]]) -> None:
    """Open the stock of new SKUs; of updated products, retire the SKUs they no longer have and set their flag.

    A new product's flag was written with its row: its stock is what the file says.
    """
    inventory.set_opening(tx, opened)
    if updated:
        tx.execute(loading.retire_skus(updated, sku_ids))
        tx.execute(events.set_in_stock(updated, in_stock(tx, updated))[0])
