"""A small catalogue for tests, loaded the way a shop's own is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchard.catalog import importing
from orchard.catalog.checks import Catalogue
from orchard.catalog.records import CategoryRecord, ProductRecord, SkuRecord, SpecificationRecord, ValueRecord
from orchard.catalog.store import loading
from orchard.runtime.database import Connection


@dataclass(frozen=True)
class TestSku:
    """A SKU of a test's product; `code` is also the value of its one specification. Price in fen."""

    # Not a test class, whatever its name begins with.
    __test__ = False

    code: str
    price_fen: int = 1000
    stock: int = 100
    list_price_fen: int | None = None
    on_sale: bool = True
    weight_grams: int = 500


def load_products(
    db: Connection,
    products: Mapping[str, Sequence[TestSku]],
    *,
    on_sale: bool = True,
    freight_template_id: int | None = None,
    delivery_methods: Sequence[str] = ("express", "pickup", "local"),
) -> dict[str, int]:
    """Load products (code -> SKUs), or load them again changed; returns SKU code -> id. Stock opens once."""
    catalogue = Catalogue()
    catalogue.add(1, CategoryRecord(type="category", code="fruit", name="水果"))
    for line, (code, skus) in enumerate(products.items(), 2):
        record = ProductRecord(
            type="product",
            code=code,
            name=f"红富士苹果 {code}",
            category="fruit",
            pictures=[f"https://shop.test/{code}.jpg"],
            specifications=[SpecificationRecord(name="规格", values=[ValueRecord(value=sku.code) for sku in skus])],
            skus=[_sku(sku) for sku in skus],
            delivery_methods=list(delivery_methods),
            freight_template_id=freight_template_id,
            on_sale=on_sale,
        )
        assert catalogue.add(line, record) is None
    db.run(lambda tx: importing.load(tx, catalogue, str.split))
    codes = [sku.code for skus in products.values() for sku in skus]
    return {code: owner[0] for code, owner in db.run(lambda tx: loading.owners_of_skus(tx, codes)).items()}


def _sku(sku: TestSku) -> SkuRecord:
    return SkuRecord(
        code=sku.code,
        values=[sku.code],
        price_fen=sku.price_fen,
        list_price_fen=sku.list_price_fen,
        weight_grams=sku.weight_grams,
        stock=sku.stock,
        on_sale=sku.on_sale,
    )
