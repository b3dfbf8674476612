"""Bulk writes of an import: rows by natural key, the listing derived from them, the search index by differences."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic_core import to_json

from orchard.catalog.store.listing import WHOLE_SHOP
from orchard.runtime.database import Row, Statement, Tx, escape, insert, placeholders

# Rows of one statement, and bytes of text: the server takes packets of 16 MB at least.
CHUNK = 1000
_MAX_BYTES = 4 * 1024 * 1024
_KEPT = {"id", "product_id", "sales_count", "in_stock"}


def lock(tx: Tx) -> None:
    """Begin an import: one at a time."""
    tx.execute(Statement("UPDATE catalog_revision SET revision = revision + 1 WHERE id = 1", expect=1))


def chunks(rows: Sequence[Any], size: int = CHUNK) -> Iterator[Sequence[Any]]:
    """The rows in pieces of at most `size`."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def ids_by_code(tx: Tx, table: str, codes: Iterable[str]) -> dict[str, int]:
    """code -> id of those that exist in `table` (category, brand, product, sku)."""
    found: dict[str, int] = {}
    for part in chunks(sorted(set(codes))):
        sql = f"SELECT code, id FROM {table} WHERE code IN ({placeholders(part)})"
        found.update((row["code"], row["id"]) for row in tx.rows(sql, list(part)))
    return found


def owners_of_skus(tx: Tx, codes: Iterable[str]) -> dict[str, tuple[int, str]]:
    """SKU code -> its id and its product's code, of those that exist."""
    found: dict[str, tuple[int, str]] = {}
    for part in chunks(sorted(set(codes))):
        rows = tx.rows(
            "SELECT s.code, s.id, p.code AS product_code FROM sku s JOIN product p ON p.id = s.product_id"
            f" WHERE s.code IN ({placeholders(part)})",
            list(part),
        )
        found.update((row["code"], (row["id"], row["product_code"])) for row in rows)
    return found


def category_parents(tx: Tx) -> dict[str, str | None]:
    """code -> parent's code of all categories."""
    rows = tx.rows("SELECT c.code, up.code AS parent FROM category c LEFT JOIN category up ON up.id = c.parent_id")
    return {row["code"]: row["parent"] for row in rows}


def upsert(tx: Tx, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows or update them by their primary key; ids, sales counts and in-stock flags stay as they are."""
    for part in _sized(rows):
        changed = ", ".join(f"{column} = VALUES({column})" for column in part[0] if column not in _KEPT)
        tx.execute(insert(table, part, tail=f"ON DUPLICATE KEY UPDATE {changed}"))


def _sized(rows: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    part: list[Mapping[str, Any]] = []
    size = 0
    for row in rows:
        weight = sum(len(value) * 4 for value in row.values() if isinstance(value, str))
        if part and (len(part) == CHUNK or size + weight > _MAX_BYTES):
            yield part
            part, size = [], 0
        part.append(row)
        size += weight
    if part:
        yield part


def replace_ancestors(tx: Tx, ancestors: Mapping[int, Sequence[int]]) -> None:
    """Replace the whole closure: category -> itself and everything above it."""
    pairs = [
        {"category_id": category_id, "ancestor_id": ancestor_id}
        for category_id, above in sorted(ancestors.items())
        for ancestor_id in (*above, WHOLE_SHOP)
    ]
    tx.execute(Statement("DELETE FROM category_ancestor"))
    for part in chunks(pairs):
        tx.execute(insert("category_ancestor", part))


def retire_skus(product_ids: Sequence[int], kept: Sequence[int]) -> Statement:
    """Take the SKUs of these products that are not `kept` off sale; orders still refer to them."""
    return Statement(
        f"UPDATE sku SET on_sale = 0 WHERE product_id IN ({placeholders(product_ids)})"
        f" AND id NOT IN ({placeholders(kept)})",
        [*product_ids, *kept],
    )


def products_in(tx: Tx, category_ids: Sequence[int], brand_ids: Sequence[int]) -> list[int]:
    """Products in any of these categories (not below) or of any of these brands."""
    found: set[int] = set()
    for column, ids in (("category_id", category_ids), ("brand_id", brand_ids)):
        for part in chunks(ids):
            rows = tx.rows(f"SELECT id FROM product WHERE {column} IN ({placeholders(part)})", list(part))
            found.update(row["id"] for row in rows)
    return sorted(found)


def relist(tx: Tx, product_ids: Sequence[int]) -> None:
    """Derive the listing rows of these products anew."""
    marks, ids = placeholders(product_ids), list(product_ids)
    columns = "p.brand_id, p.position, p.price_fen, p.sales_count, p.in_stock"
    wanted = f"p.on_sale = 1 AND p.id IN ({marks})"
    statements = [
        Statement(f"DELETE FROM product_listing WHERE product_id IN ({marks})", ids),
        Statement(
            "INSERT INTO product_listing"
            " (product_id, scope_id, brand_id, position, price_fen, sales_count, in_stock)"
            f" SELECT p.id, a.ancestor_id, {columns} FROM product p"
            f" JOIN category_ancestor a ON a.category_id = p.category_id WHERE {wanted}"
            f" UNION ALL SELECT p.id, p.brand_id, {columns} FROM product p"
            f" WHERE p.brand_id IS NOT NULL AND {wanted}",
            [*ids, *ids],
        ),
    ]
    tx.packet(statements)


def documents(tx: Tx, product_ids: Sequence[int]) -> list[Row]:
    """What is indexed of products: id, name, keywords, brand and category names, and what the index holds (JSON)."""
    return tx.rows(
        "SELECT p.id, p.name, p.keywords, p.on_sale, c.name AS category, b.name AS brand, d.terms"
        " FROM product p JOIN category c ON c.id = p.category_id LEFT JOIN brand b ON b.id = p.brand_id"
        f" LEFT JOIN search_document d ON d.product_id = p.id WHERE p.id IN ({placeholders(product_ids)})",
        list(product_ids),
    )


def remove_tokens(tx: Tx, pairs: Sequence[tuple[str, int]]) -> None:
    """Delete (token, product) pairs."""
    for part in chunks(sorted(pairs)):
        marks = ", ".join(["(%s, %s)"] * len(part))
        values = [value for pair in part for value in pair]
        tx.execute(Statement(f"DELETE FROM search_token WHERE (token, product_id) IN ({marks})", values))


def add_tokens(tx: Tx, rows: Sequence[tuple[str, int, int]]) -> None:
    """Insert (token, product, weight) rows or change their weight, in key order so that pages fill one by one."""
    for part in chunks(sorted(rows), CHUNK * 5):
        # Each token is escaped once, not once for each of its products.
        literals = {token: escape("%s", (token,)) for token in {row[0] for row in part}}
        values = ", ".join(f"({literals[token]}, {product_id}, {weight})" for token, product_id, weight in part)
        sql = f"INSERT INTO search_token (token, product_id, weight) VALUES {values}"
        tx.execute(Statement(f"{sql} ON DUPLICATE KEY UPDATE weight = VALUES(weight)"))


def count_terms(tx: Tx, changes: Mapping[str, int], words: Mapping[str, str | None]) -> None:
    """Add `changes` to the number of products bearing each term; `words` (term -> label) become words."""
    rows = [
        {"term": term, "products": changes.get(term, 0), "is_word": int(term in words), "label": words.get(term)}
        for term in sorted({*changes, *words})
    ]
    for part in chunks(rows):
        tail = (
            "ON DUPLICATE KEY UPDATE products = products + VALUES(products),"
            " is_word = GREATEST(is_word, VALUES(is_word)), label = COALESCE(VALUES(label), label)"
        )
        tx.execute(insert("search_term", part, tail=tail))


def save_documents(tx: Tx, documents: Mapping[int, Mapping[str, int]]) -> None:
    """Remember what the index holds of each product."""
    rows = [{"product_id": product_id, "terms": to_json(terms).decode()} for product_id, terms in documents.items()]
    upsert(tx, "search_document", rows)
