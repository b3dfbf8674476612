"""Writing what lists and searches read: the listing derived anew, the search index by differences."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from orchard.catalog import rules
from orchard.catalog.pipeline import Pipeline
from orchard.catalog.store import loading
from orchard.core.text import fold
from orchard.runtime.database import Row, Tx


@dataclass(slots=True)
class _Changes:
    removed: list[tuple[str, int]] = field(default_factory=list)
    added: list[tuple[str, int, int]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    words: dict[str, str | None] = field(default_factory=dict)
    documents: dict[int, dict[str, int]] = field(default_factory=dict)


def publish(pipeline: Pipeline, product_ids: Sequence[int], cut_words: Callable[[str], list[str]]) -> None:
    """Bring listing and index up to date with these products; those off sale leave both."""
    batches = list(loading.chunks(product_ids))
    # The next batch is read before this one is written, so that neither side waits for the other.
    read = [pipeline.later(loading.documents, batch) for batch in batches[:1]]
    for number, batch in enumerate(batches, 1):
        rows = read.pop().result()
        read += [pipeline.later(loading.documents, following) for following in batches[number : number + 1]]
        changes = _Changes()
        for row in rows:
            _compare(row, dict(_words(row, cut_words)) if row["on_sale"] else {}, changes)
        pipeline.later(_write_index, changes)
        pipeline.later(loading.relist, batch)


def _write_index(tx: Tx, changes: _Changes) -> None:
    loading.remove_tokens(tx, changes.removed)
    loading.add_tokens(tx, changes.added)
    loading.count_terms(tx, changes.counts, changes.words)
    loading.save_documents(tx, changes.documents)


def _words(row: Row, cut_words: Callable[[str], list[str]]) -> Iterator[tuple[str, str | None]]:
    """The words of a product, with how they are written where a category or brand says so."""
    for text in (*cut_words(fold(row["name"])), *row["keywords"].split(" ")):
        if word := rules.as_word(text):
            yield word, None
    for name in (row["category"], row["brand"]):
        if name and (word := rules.as_word(name)):
            yield word, name if name != word else None


def _compare(row: Row, words: dict[str, str | None], changes: _Changes) -> None:
    product_id: int = row["id"]
    old: dict[str, int] = json.loads(row["terms"] or "{}")
    others = [row["keywords"], row["category"], row["brand"] or ""]
    new = rules.document(row["name"], others, words) if row["on_sale"] else {}
    changes.words.update((word, label) for word, label in words.items() if label or word not in changes.words)
    if new == old:
        return
    changes.documents[product_id] = new
    changes.removed += [(term, product_id) for term, weight in old.items() if weight and not new.get(term)]
    changes.added += [(term, product_id, weight) for term, weight in new.items() if weight and old.get(term) != weight]
    changes.counts.update(new.keys() - old.keys())
    changes.counts.subtract(old.keys() - new.keys())
