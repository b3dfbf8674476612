"""Search by words, and suggestions while typing."""

from collections.abc import Sequence
from itertools import chain

from orchard.catalog import rules
from orchard.catalog.rules import Query
from orchard.catalog.schemas import ProductPage, Suggestions
from orchard.catalog.service.pages import cursor_key, with_stock
from orchard.catalog.store import search as store
from orchard.core.paging import Key, encode_cursor
from orchard.runtime.database import Row, Statement, Tx

# Fewer products that bear everything than this, and those that bear most of it are shown behind them.
_ENOUGH = 20
_ALL, _SOME = 0, 1


def search_products(tx: Tx, text: str, cursor: str | None, limit: int) -> ProductPage:
    """Products by relevance, then sales: three queries (terms, page, stock), four when the search turns tolerant.

    Raises InvalidInput for a foreign cursor.
    """
    folded = rules.query_text(text)
    scope = f"search:{folded}"
    # (all or some, relevance, sales count, product id) of the last product shown.
    after = cursor_key(scope, cursor, 4)
    query, counts = _parsed(tx, folded)
    mode, rows = _hits(tx, query, counts, after, limit)
    shown = rows[:limit]
    if len(rows) <= limit:
        return ProductPage(products=with_stock(tx, shown), next_cursor=None)
    last = shown[-1]
    key = (mode, last["relevance"], last["sales_count"], last["product_id"])
    return ProductPage(products=with_stock(tx, shown), next_cursor=encode_cursor(scope, key))


def _parsed(tx: Tx, folded: str) -> tuple[Query, dict[str, int]]:
    wanted = sorted(rules.lookups(folded))
    rows = store.terms(tx, wanted) if wanted else []
    counts = {row["term"]: row["products"] for row in rows}
    return rules.parse(folded, counts, {row["term"] for row in rows if row["is_word"]}), counts


def _hits(tx: Tx, query: Query, counts: dict[str, int], after: Key | None, limit: int) -> tuple[int, list[Row]]:
    """The mode of the search and one row more than the page."""
    tolerant = query.tolerance < len(query.grams)
    rest = after[1:] if after else None
    if query.grams and (after is None or after[0] == _ALL):
        rows = _all(tx, query, counts, rest, max(limit + 1, _ENOUGH))
        if after or not tolerant or len(rows) >= _ENOUGH:
            return _ALL, rows[: limit + 1]
    if not tolerant:
        return _ALL, []
    return _SOME, _some(tx, query, counts, rest, limit + 1)


def _all(tx: Tx, query: Query, counts: dict[str, int], after: Key | None, limit: int) -> list[Row]:
    if any(gram not in counts for gram in query.grams):
        return []
    return _rows(tx, store.bearing_all(query.grams, after, limit))


def _some(tx: Tx, query: Query, counts: dict[str, int], after: Key | None, limit: int) -> list[Row]:
    known = [gram for gram in query.grams if gram in counts]
    if len(known) < query.tolerance:
        return []
    importance = [rules.importance(counts[gram]) for gram in known]
    return _rows(tx, store.bearing_some(known, importance, query.tolerance, after, limit))


def _rows(tx: Tx, statement: Statement) -> list[Row]:
    return tx.packet([statement])[0].rows


def suggest_searches(tx: Tx, text: str, limit: int) -> Suggestions:
    """Words of the catalogue, categories, brands and product names that begin with `text`, in one round trip."""
    prefix = rules.query_text(text)
    if not prefix:
        return Suggestions(suggestions=[])
    words, names = tx.packet([store.words_with_prefix(prefix, limit), store.names_with_prefix(prefix, limit)])
    return Suggestions(suggestions=_merged(words.rows, names.rows, limit))


def _merged(words: Sequence[Row], names: Sequence[Row], limit: int) -> list[str]:
    """Words first, but room for names: at most two thirds are words while there are names to show."""
    room = max(limit - len(names), limit * 2 // 3)
    texts = chain(words[:room], names, words[room:])
    return list(dict.fromkeys(row["text"] for row in texts))[:limit]
