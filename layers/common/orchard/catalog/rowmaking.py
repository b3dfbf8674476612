"""Records of a catalogue file as rows of the schema."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json

from orchard.catalog.records import BrandRecord, CategoryRecord, ProductRecord, SkuRecord
from orchard.core.text import fold

Ids = Mapping[str, int]
Values = dict[str, Any]


def _json(value: Any) -> str:
    return to_json(value).decode()


def category_row(record: CategoryRecord, ids: Ids) -> Values:
    """A row of category."""
    values = record.model_dump(exclude={"type", "parent"})
    return {"id": ids[record.code], **values, "parent_id": ids[record.parent] if record.parent else None}


def brand_row(record: BrandRecord, ids: Ids) -> Values:
    """A row of brand."""
    return {"id": ids[record.code], **record.model_dump(exclude={"type"})}


def product_row(record: ProductRecord, product_id: int, sku_ids: Ids, categories: Ids, brands: Ids) -> Values:
    """A row of product: the price shown is the lowest of the SKUs on sale, with that SKU's list price."""
    on_sale = [sku for sku in record.skus if sku.on_sale]
    cheapest = min(on_sale or record.skus, key=lambda sku: sku.price_fen)
    return {
        "id": product_id,
        "code": record.code,
        "category_id": categories[record.category],
        "brand_id": brands[record.brand] if record.brand else None,
        "name": record.name,
        "folded_name": fold(record.name)[:400],
        "brief": record.brief,
        "keywords": " ".join(record.keywords),
        "unit": record.unit,
        "picture_url": record.pictures[0],
        "freight_template_id": record.freight_template_id,
        "delivery_methods": ",".join(sorted(set(record.delivery_methods))),
        "position": record.position,
        "list_price_fen": cheapest.full_price_fen,
        "price_fen": cheapest.price_fen,
        "highest_price_fen": max(sku.price_fen for sku in on_sale or record.skus),
        "sku_ids": _json([sku_ids[sku.code] for sku in on_sale]),
        "on_sale": int(record.on_sale and bool(on_sale)),
        "in_stock": int(any(sku.stock for sku in on_sale)),
        "sales_count": record.sales_count,
    }


def detail_row(record: ProductRecord, product_id: int) -> Values:
    """A row of product_detail."""
    return {
        "product_id": product_id,
        "pictures": _json(record.pictures),
        "video_url": record.video_url,
        "specifications": _json(record.specifications),
        "attributes": _json(record.attributes),
        "description": record.description,
    }


def _picture(record: SkuRecord, product: ProductRecord) -> str:
    """The SKU's own picture, else that of the first of its values that has one."""
    of_values = (
        value.picture_url
        for wanted, specification in zip(record.values, product.specifications, strict=True)
        for value in specification.values
        if value.value == wanted and value.picture_url
    )
    return record.picture_url or next(of_values, "")


def sku_row(record: SkuRecord, position: int, product: ProductRecord, ids: tuple[int, int]) -> Values:
    """A row of sku; `ids` are the product's and the SKU's."""
    product_id, sku_id = ids
    return {
        "id": sku_id,
        "code": record.code,
        "product_id": product_id,
        "position": position,
        "name": record.name,
        "specification_values": _json(record.values),
        "picture_url": _picture(record, product),
        "list_price_fen": record.full_price_fen,
        "price_fen": record.price_fen,
        "weight_grams": record.weight_grams,
        "volume_cm3": record.volume_cm3,
        "on_sale": int(record.on_sale),
    }
