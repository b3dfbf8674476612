"""The search index, read: term counts, products by their tokens, suggestions by prefix."""

from collections.abc import Sequence

from orchard.catalog.store.listing import SUMMARY
from orchard.core.paging import Key
from orchard.runtime.database import Row, Statement, Tx, placeholders

# The greatest code point: no text that begins with a prefix sorts behind prefix + this.
_LAST = "\U0010ffff"


def terms(tx: Tx, wanted: Sequence[str]) -> list[Row]:
    """How many products bear each term, and whether it is a word; unknown terms are absent."""
    return tx.rows(
        f"SELECT term, products, is_word FROM search_term WHERE products > 0 AND term IN ({placeholders(wanted)})",
        list(wanted),
    )


def bearing_all(grams: Sequence[str], after: Key | None, limit: int) -> Statement:
    """Products on sale that bear every gram, given rarest first: by relevance, sales, newest."""
    # STRAIGHT_JOIN keeps the order, and the optimizer from trying all the others.
    joins = [
        f" STRAIGHT_JOIN search_token t{n} ON t{n}.product_id = t0.product_id AND t{n}.token = %s"
        for n in range(1, len(grams))
    ]
    relevance = " + ".join(f"t{n}.weight" for n in range(len(grams)))
    hits = (
        f"SELECT t0.product_id, {relevance} AS relevance FROM search_token t0{''.join(joins)}"
        " WHERE t0.token = %s"
    )  # fmt: skip
    return _ranked(hits, [*grams[1:], grams[0]], after, limit)


def bearing_some(
    grams: Sequence[str], importance: Sequence[int], needed: int, after: Key | None, limit: int
) -> Statement:
    """Products on sale that bear at least `needed` grams: by how many, how telling and how rare, then sales."""
    cases = " ".join(["WHEN %s THEN %s"] * len(grams))
    # Each gram more outweighs any field and rarity: 8 (weight) x 64 (importance) x 12 grams < 10,000.
    hits = (
        f"SELECT product_id, COUNT(*) * 10000 + SUM(weight * CASE token {cases} END) AS relevance"
        f" FROM search_token WHERE token IN ({placeholders(grams)}) GROUP BY product_id HAVING COUNT(*) >= %s"
    )
    weighed = [value for pair in zip(grams, importance, strict=True) for value in pair]
    return _ranked(hits, [*weighed, *grams, needed], after, limit)


def _ranked(hits: str, params: list[str | int], after: Key | None, limit: int) -> Statement:
    where = "p.on_sale = 1"
    if after is not None:
        relevance, sales, product_id = after
        where += (
            " AND (h.relevance < %s OR (h.relevance = %s AND (p.sales_count < %s"
            " OR (p.sales_count = %s AND p.id < %s))))"
        )
        params = [*params, relevance, relevance, sales, sales, product_id]
    # Ranked on narrow rows; only the page's own rows are read whole.
    best = (
        f"SELECT p.id, CAST(h.relevance AS SIGNED) AS relevance, p.sales_count FROM ({hits}) h"
        f" JOIN product p ON p.id = h.product_id WHERE {where}"
        " ORDER BY relevance DESC, p.sales_count DESC, p.id DESC LIMIT %s"
    )
    return Statement(
        f"SELECT {SUMMARY}, b.relevance FROM ({best}) b JOIN product p ON p.id = b.id"
        " ORDER BY b.relevance DESC, b.sales_count DESC, b.id DESC",
        [*params, limit],
    )


def words_with_prefix(prefix: str, limit: int) -> Statement:
    """Words that begin so, the most common first: `text`. A range, so no character of the prefix is a wildcard."""
    return Statement(
        "SELECT COALESCE(label, term) AS text FROM search_term WHERE term >= %s AND term < %s"
        " AND is_word = 1 AND products > 0 ORDER BY products DESC, term LIMIT %s",
        (prefix, prefix + _LAST, limit),
    )


def names_with_prefix(prefix: str, limit: int) -> Statement:
    """Names of products on sale that begin so, best sellers first: `text`."""
    return Statement(
        "SELECT name AS text FROM product FORCE INDEX (by_folded_name) WHERE folded_name >= %s AND folded_name < %s"
        " AND on_sale = 1 ORDER BY sales_count DESC, id LIMIT %s",
        (prefix, prefix + _LAST, limit),
    )
