"""What events change: sales counts and in-stock flags, in product and in the listing that repeats them.

Rows are locked in the order of product ids, product before listing, so that workers queue instead of deadlocking.
"""

import json
from collections.abc import Collection, Mapping

from orchard.runtime.database import Statement, Tx, placeholders


def add_sales(sold: Mapping[int, int]) -> list[Statement]:
    """Add units sold per product; unknown products are passed over."""
    ids = sorted(sold)
    cases = " ".join(["WHEN %s THEN %s"] * len(ids))
    return [
        Statement(
            f"UPDATE product SET sales_count = sales_count + CASE id {cases} END WHERE id IN ({placeholders(ids)})",
            [*(value for product_id in ids for value in (product_id, sold[product_id])), *ids],
        ),
        _repeat("sales_count", ids),
    ]


def lock_products_of(tx: Tx, sku_ids: Collection[int]) -> list[int]:
    """Lock the products of these SKUs until the transaction ends; their ids."""
    ids = sorted(sku_ids)
    found = tx.rows(f"SELECT DISTINCT product_id FROM sku WHERE id IN ({placeholders(ids)})", ids)
    if not found:
        return []
    product_ids = sorted(row["product_id"] for row in found)
    locked = tx.rows(
        f"SELECT id FROM product WHERE id IN ({placeholders(product_ids)}) ORDER BY id FOR UPDATE", product_ids
    )
    return [row["id"] for row in locked]


def skus_on_sale(tx: Tx, product_ids: Collection[int]) -> dict[int, list[int]]:
    """product_id -> its SKUs on sale."""
    ids = sorted(product_ids)
    rows = tx.rows(f"SELECT id, sku_ids FROM product WHERE id IN ({placeholders(ids)})", ids)
    return {row["id"]: json.loads(row["sku_ids"]) for row in rows}


def set_in_stock(product_ids: Collection[int], in_stock: Collection[int]) -> list[Statement]:
    """Set the flag of each of `product_ids`: true for those in `in_stock`."""
    ids = sorted(product_ids)
    yes = sorted(in_stock) or [0]
    return [
        Statement(
            f"UPDATE product SET in_stock = (id IN ({placeholders(yes)})) WHERE id IN ({placeholders(ids)})",
            [*yes, *ids],
        ),
        _repeat("in_stock", ids),
    ]


def _repeat(column: str, product_ids: list[int]) -> Statement:
    return Statement(
        f"UPDATE product_listing l JOIN product p ON p.id = l.product_id SET l.{column} = p.{column}"
        f" WHERE p.id IN ({placeholders(product_ids)})",
        product_ids,
    )
