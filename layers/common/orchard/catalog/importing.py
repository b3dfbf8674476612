"""Loading a whole catalogue in one transaction: readers see the shop before it or after it, never between.

Natural keys are codes: what exists is updated, what is new is added, what the file does not name stays. SKUs that a
product no longer has go off sale. Stock is opened for new SKUs only; later it moves through the stock ledger.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orchard.catalog import checks, indexing
from orchard.catalog.checks import Catalogue, LineError
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
    loading.lock(tx)
    errors = checks.against_shop(tx, catalogue)
    if errors:
        raise CatalogueRefusedError(errors)
    categories, brands = _load_categories(tx, catalogue), _load_brands(tx, catalogue)
    batches = [
        _load_products(tx, part, categories, brands) for part in loading.chunks(list(catalogue.products.values()))
    ]
    _publish(tx, catalogue, [product_id for batch in batches for product_id in batch.product_ids], cut_words)
    return Loaded(
        categories=len(catalogue.categories),
        brands=len(catalogue.brands),
        products=len(catalogue.products),
        skus=sum(len(record.skus) for _, record in catalogue.products.values()),
        new_products=sum(batch.new_products for batch in batches),
        new_skus=sum(batch.new_skus for batch in batches),
    )


def _load_categories(tx: Tx, catalogue: Catalogue) -> dict[str, int]:
    """code -> id of every category of the shop after the import."""
    parents = checks.merged_parents(tx, catalogue)
    ids = loading.ids_by_code(tx, "category", parents)
    for code in catalogue.categories:
        ids.setdefault(code, new_id())
    if catalogue.categories:
        rows = [category_row(record, ids) for _, record in catalogue.categories.values()]
        loading.upsert(tx, "category", rows)
        above = {ids[code]: [ids[up] for up in checks.chain(code, parents)] for code in parents}
        loading.replace_ancestors(tx, above)
    return ids


def _load_brands(tx: Tx, catalogue: Catalogue) -> dict[str, int]:
    """code -> id of the brands that the file names or uses."""
    used = {record.brand for _, record in catalogue.products.values() if record.brand}
    ids = loading.ids_by_code(tx, "brand", used | catalogue.brands.keys())
    for code in catalogue.brands:
        ids.setdefault(code, new_id())
    loading.upsert(tx, "brand", [brand_row(record, ids) for _, record in catalogue.brands.values()])
    return ids


@dataclass(frozen=True, slots=True)
class _Batch:
    product_ids: list[int]
    new_products: int
    new_skus: int


def _load_products(
    tx: Tx, numbered: Sequence[tuple[int, ProductRecord]], categories: dict[str, int], brands: dict[str, int]
) -> _Batch:
    records = [record for _, record in numbered]
    known = loading.ids_by_code(tx, "product", (record.code for record in records))
    known_skus = loading.owners_of_skus(tx, (sku.code for record in records for sku in record.skus))
    ids = {record.code: known.get(record.code) or new_id() for record in records}
    sku_ids = {
        sku.code: known_skus[sku.code][0] if sku.code in known_skus else new_id()
        for record in records
        for sku in record.skus
    }
    rows = [product_row(record, ids[record.code], sku_ids, categories, brands) for record in records]
    loading.upsert(tx, "product", rows)
    loading.upsert(tx, "product_detail", [detail_row(record, ids[record.code]) for record in records])
    loading.upsert(tx, "sku", [
        sku_row(sku, position, record, (ids[record.code], sku_ids[sku.code]))
        for record in records for position, sku in enumerate(record.skus)
    ])  # fmt: skip
    if known:
        tx.execute(loading.retire_skus(sorted(known.values()), sorted(sku_ids.values())))
    _open_stock(tx, records, known_skus, sku_ids)
    product_ids = list(ids.values())
    tx.execute(events.set_in_stock(product_ids, in_stock(tx, product_ids))[0])
    return _Batch(product_ids, len(ids) - len(known), len(sku_ids) - len(known_skus))


def _open_stock(
    tx: Tx, records: Sequence[ProductRecord], known: dict[str, tuple[int, str]], sku_ids: dict[str, int]
) -> None:
    new = [(sku_ids[sku.code], sku.stock) for record in records for sku in record.skus if sku.code not in known]
    if new:
        inventory.set_opening(tx, new)


def _publish(tx: Tx, catalogue: Catalogue, product_ids: list[int], cut_words: CutWords) -> None:
    """Derive listing and search index of what changed, also of products whose category or brand changed."""
    touched = set(product_ids)
    touched.update(checks.products_below(tx, catalogue))
    for part in loading.chunks(sorted(touched)):
        tx.packet(loading.relist(part))
    indexing.index(tx, sorted(touched), cut_words)
