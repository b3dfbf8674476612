"""One product whole, and SKUs as others need them."""

from collections.abc import Sequence

from orchard.catalog.store.listing import SUMMARY
from orchard.runtime.database import Statement, placeholders


def product(product_id: int) -> Statement:
    """A product on sale with its category, brand and detail row; no row for any other."""
    return Statement(
        f"SELECT {SUMMARY}, p.created_at, p.category_id, c.name AS category_name, p.brand_id, b.name AS brand_name,"
        " p.delivery_methods, d.pictures, d.video_url, d.specifications, d.attributes, d.description"
        " FROM product p JOIN category c ON c.id = p.category_id JOIN product_detail d ON d.product_id = p.id"
        " LEFT JOIN brand b ON b.id = p.brand_id WHERE p.id = %s AND p.on_sale = 1",
        (product_id,),
    )


def skus_of(product_id: int) -> Statement:
    """The product's SKUs on sale, in its order."""
    return Statement(
        "SELECT id AS sku_id, name, specification_values, picture_url, list_price_fen, price_fen, weight_grams"
        " FROM sku WHERE product_id = %s AND on_sale = 1 ORDER BY position",
        (product_id,),
    )


def snapshots(sku_ids: Sequence[int]) -> Statement:
    """SKUs with what their product adds, whether on sale or not."""
    return Statement(
        "SELECT s.id AS sku_id, s.product_id, p.category_id, p.name AS product_name, s.name AS sku_name,"
        " CASE WHEN s.picture_url = '' THEN p.picture_url ELSE s.picture_url END AS picture_url,"
        " s.list_price_fen, s.price_fen, s.weight_grams, s.volume_cm3, p.freight_template_id,"
        " (s.on_sale = 1 AND p.on_sale = 1) AS on_sale, p.delivery_methods"
        f" FROM sku s JOIN product p ON p.id = s.product_id WHERE s.id IN ({placeholders(sku_ids)})",
        list(sku_ids),
    )


def lineages(sku_ids: Sequence[int]) -> Statement:
    """category_id and ancestor_id (itself included) of the categories that these SKUs are in."""
    return Statement(
        "SELECT DISTINCT a.category_id, a.ancestor_id FROM sku s JOIN product p ON p.id = s.product_id"
        f" JOIN category_ancestor a ON a.category_id = p.category_id WHERE s.id IN ({placeholders(sku_ids)})",
        list(sku_ids),
    )


def known(table: str, ids: Sequence[int]) -> Statement:
    """Which of these ids exist in `category` or `product`."""
    return Statement(f"SELECT id FROM {table} WHERE id IN ({placeholders(ids)})", list(ids))
