"""How text is cut for search: tokens of a product, words and grams of a query. Pure, linear in the text's length.

Chinese has no blanks, so text is indexed as single characters and pairs; Latin and digits as whole runs and as their
letter and digit parts, and a number together with the character behind it (5斤). A query is cut into known words
first and then needs the pairs of each word: "红富士苹果" finds "苹果 红富士" too.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, groupby, pairwise
from typing import NamedTuple

from orchard.core.text import fold

MAX_TOKEN = 32
MAX_QUERY = 64
MAX_WORD = 6
MAX_GRAMS = 12
# How telling a hit is, by the field it stands in.
NAME_WEIGHT, OTHER_WEIGHT, WORD_ONLY = 8, 4, 0
# Letters and digits: of scripts that put blanks between words, and of those that do not (CJK, kana, hangul).
_RUN = re.compile("([^\\W_\u2e80-\U0010ffff]+)|[^\\W_\x00-\u2e7f]+")


class Run(NamedTuple):
    """A stretch of one kind of characters; `spaced` for scripts that put blanks between words."""

    text: str
    spaced: bool


def runs(folded: str) -> Iterator[list[Run]]:
    """The unbroken stretches of letters and digits of a folded text, each as its runs."""
    stretch: list[Run] = []
    end = 0
    for match in _RUN.finditer(folded):
        if stretch and match.start() > end:
            yield stretch
            stretch = []
        stretch.append(Run(match[0], match[1] is not None))
        end = match.end()
    if stretch:
        yield stretch


def _pairs(text: str) -> list[str]:
    return [a + b for a, b in pairwise(text)]


def _measures(stretch: list[Run]) -> Iterator[str]:
    """A number with the character behind it: 5斤, 500克."""
    for run, following in pairwise(stretch):
        digits = run.text[len(run.text.rstrip("0123456789")) :]
        if run.spaced and digits and not following.spaced:
            yield (digits + following.text[0])[-MAX_TOKEN:]


def tokens(text: str, *, singles: bool = True) -> set[str]:
    """Every token of a text; without `singles`, characters that stand in a pair are left out."""
    found: set[str] = set()
    for stretch in runs(fold(text)):
        found.update(_measures(stretch))
        for run in stretch:
            if run.spaced:
                parts = ("".join(part) for _, part in groupby(run.text, str.isdigit))
                found.update(part[:MAX_TOKEN] for part in (run.text, *parts))
            else:
                pairs = _pairs(run.text)
                found.update(pairs)
                if singles or not pairs:
                    found.update(run.text)
    return found


# Brands, categories and keywords stand on many products.
@lru_cache(maxsize=2048)
def _pair_tokens(text: str) -> frozenset[str]:
    return frozenset(tokens(text, singles=False))


def document(name: str, others: Iterable[str], words: Iterable[str]) -> dict[str, int]:
    """What to index of a product: tokens with their weight, and words (weight 0, counted only).

    A single character is looked for in names alone: in every brand and category it would find half the shop.
    """
    terms = dict.fromkeys(words, WORD_ONLY)
    for other in others:
        terms.update(dict.fromkeys(_pair_tokens(other), OTHER_WEIGHT))
    terms.update(dict.fromkeys(tokens(name), NAME_WEIGHT))
    return terms


def as_word(text: str) -> str | None:
    """A text as a dictionary word: folded, 2 to 32 letters or digits, no digit first; None when it is no such thing."""
    folded = fold(text)
    return folded if 2 <= len(folded) <= MAX_TOKEN and folded.isalnum() and not folded[0].isdigit() else None


def query_text(query: str) -> str:
    """A query in the form it is compared in, cut where folding made it longer than any honest query."""
    return fold(query)[:MAX_QUERY]


def lookups(folded: str) -> set[str]:
    """All terms whose counts a query may need: its tokens, and every stretch that could be a word."""
    found = tokens(folded)
    for stretch in runs(folded):
        for text in (run.text for run in stretch if not run.spaced):
            found.update(text[i : i + size] for size in range(2, MAX_WORD + 1) for i in range(len(text) - size + 1))
    return found


def split(text: str, words: Set[str]) -> list[str]:
    """Cut a text without blanks into known words: the fewest characters outside words, then the most words.

    Neighbouring characters outside words stay together as one piece.
    """
    # (characters outside words, minus the number of words, length of the last piece) for each prefix.
    best: list[tuple[int, int, int]] = [(0, 0, 0)]
    for end in range(1, len(text) + 1):
        options = [(best[end - 1][0] + 1, best[end - 1][1], 1)]
        options += [
            (best[end - size][0], best[end - size][1] - 1, size)
            for size in range(2, min(MAX_WORD, end) + 1)
            if text[end - size : end] in words
        ]
        best.append(min(options))
    return _pieces(text, [size for _, _, size in best])


def _pieces(text: str, sizes: list[int]) -> list[str]:
    pieces: list[str] = []
    end, loose = len(text), ""
    while end:
        size = sizes[end]
        piece = text[end - size : end]
        if size == 1:
            loose = piece + loose
        else:
            pieces += [loose, piece] if loose else [piece]
            loose = ""
        end -= size
    pieces += [loose] if loose else []
    return pieces[::-1]


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query: the grams that a product must bear, rarest first, and how many words they come from."""

    grams: tuple[str, ...]
    words: int

    @property
    def tolerance(self) -> int:
        """How many of the grams a tolerant search needs: 60 %, rounded up within one word."""
        six_tenths = len(self.grams) * 6
        return max(1, six_tenths // 10 if self.words > 1 else -(-six_tenths // 10))


def _words(stretch: list[Run], words: Set[str]) -> Iterator[list[str]]:
    """The grams of each word of a stretch."""
    measures = list(_measures(stretch))
    # What a measure says already need not be said again by its number or its single unit.
    said = {part for measure in measures for part in (measure[:-1], measure[-1])}
    yield from ([measure] for measure in measures)
    for run in stretch:
        for piece in [run.text[:MAX_TOKEN]] if run.spaced else split(run.text, words):
            if piece not in said:
                yield [piece] if run.spaced else _pairs(piece) or [piece]


def parse(folded: str, counts: Mapping[str, int], words: Set[str]) -> Query:
    """The query's words and grams, given how many products bear each term."""
    found = [word for stretch in runs(folded) for word in _words(stretch, words)]
    grams = dict.fromkeys(chain.from_iterable(found))
    rarest = sorted(grams, key=lambda gram: counts.get(gram, 0))
    return Query(tuple(rarest[:MAX_GRAMS]), len(found))


def importance(products: int) -> int:
    """How telling a gram is that `products` bear: 64 for the rarest, down to 1."""
    return max(1, 64 - 4 * products.bit_length())
