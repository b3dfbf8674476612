"""Cutting text for search: what is indexed of a name, what is asked of the index."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchard.catalog import rules

WORDS = {"红富士", "苹果", "红富士苹果", "阳光", "玫瑰", "下午茶", "果切"}
texts = st.text(max_size=80)
chinese = st.text(alphabet="红富士苹果阳光玫瑰下午茶切", min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("苹果", {"苹", "果", "苹果"}),
        ("5斤装", {"5", "5斤", "斤", "装", "斤装"}),
        ("ＡＢＣ Kiwi", {"abc", "kiwi"}),
        ("iPhone15", {"iphone15", "iphone", "15"}),
        ("100%", {"100"}),
        ("_%\\ '\"", set()),
        ("𠮷野", {"𠮷", "野", "𠮷野"}),
        ("👨‍👩‍👧‍👦", set()),
    ],
)
def test_tokens(text: str, expected: set[str]) -> None:
    assert rules.tokens(text) == expected


def test_single_characters_are_left_out_beside_pairs() -> None:
    assert rules.tokens("苹果 梨", singles=False) == {"苹果", "梨"}


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("红富士苹果", ["红富士", "苹果"]),
        ("大苹果", ["大", "苹果"]),
        ("苹果干货", ["苹果", "干货"]),
        ("大红苹果", ["大红", "苹果"]),
        ("未知词语", ["未知词语"]),
        ("", []),
    ],
)
def test_split_takes_the_most_words_and_keeps_the_rest_together(text: str, pieces: list[str]) -> None:
    assert rules.split(text, WORDS) == pieces


@given(chinese)
def test_split_loses_and_adds_nothing(text: str) -> None:
    assert "".join(rules.split(text, WORDS)) == text


@pytest.mark.parametrize(
    ("query", "grams"),
    [
        ("红富士苹果", {"红富", "富士", "苹果"}),
        ("苹果 红富士", {"红富", "富士", "苹果"}),
        ("牛", {"牛"}),
        ("5斤装", {"5斤", "斤装"}),
        ("5斤", {"5斤"}),
        ("5 斤", {"5", "斤"}),
        ("NFC橙汁", {"nfc", "橙汁"}),
        ("%_", set()),
    ],
)
def test_grams_of_a_query(query: str, grams: set[str]) -> None:
    assert set(rules.parse(rules.query_text(query), {}, WORDS).grams) == grams


def test_grams_come_rarest_first_and_are_not_too_many() -> None:
    counts = {"红富": 5, "富士": 7, "苹果": 900}
    assert rules.parse("红富士苹果", counts, WORDS).grams == ("红富", "富士", "苹果")
    assert rules.parse("苹果红富士", counts, WORDS).grams == ("红富", "富士", "苹果")
    many = "".join(chr(0x4E00 + n) for n in range(60))
    assert len(rules.parse(many, {}, set()).grams) == rules.MAX_GRAMS


@pytest.mark.parametrize(
    ("query", "needed"), [("苹果", 1), ("红富士", 2), ("红富士苹果", 1), ("大苹果", 1), ("阳光 玫瑰 下午茶", 2)]
)
def test_a_tolerant_search_needs_most_grams(query: str, needed: int) -> None:
    assert rules.parse(query, {}, WORDS).tolerance == needed


@given(chinese, st.data())
def test_any_stretch_of_a_name_finds_the_name(name: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(name) - 1))
    stretch = name[start : data.draw(st.integers(start + 1, len(name)))]
    assert set(rules.parse(stretch, {}, WORDS).grams) <= rules.tokens(name)


@given(texts)
def test_any_text_gives_a_bounded_query(text: str) -> None:
    folded = rules.query_text(text)
    lookups = rules.lookups(folded)
    assert len(folded) <= rules.MAX_QUERY
    assert len(lookups) <= rules.MAX_QUERY * (rules.MAX_WORD + 2)
    query = rules.parse(folded, {}, WORDS)
    assert set(query.grams) <= lookups
    assert all(len(gram) <= rules.MAX_TOKEN for gram in query.grams)


@given(texts)
def test_no_token_holds_a_blank_or_a_sign(text: str) -> None:
    assert all(token.isalnum() and len(token) <= rules.MAX_TOKEN for token in rules.tokens(text))


@pytest.mark.parametrize("killer", ["a" * 50_000, "苹" * 50_000, "1a" * 25_000, "5斤" * 25_000, "(" * 50_000])
def test_tokens_never_outnumber_the_text(killer: str) -> None:
    assert len(rules.tokens(killer)) <= len(killer)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("苹果", "苹果"),
        ("SunCrate", "suncrate"),
        ("果", None),
        ("5斤", None),
        ("a b", None),
        ("x" * 33, None),
        ("%%", None),
    ],
)
def test_words(text: str, word: str | None) -> None:
    assert rules.as_word(text) == word


def test_a_document_weighs_the_name_above_the_rest() -> None:
    terms = rules.document("苹果汁", ["苹果 新鲜"], ["苹果", "果汁", "新鲜水果"])
    assert terms == {
        "苹": 8, "果": 8, "汁": 8, "苹果": 8, "果汁": 8, "新鲜": 4, "新鲜水果": 0,
    }  # fmt: skip


def test_rarer_grams_are_more_important() -> None:
    values = [rules.importance(products) for products in (1, 10, 1000, 10**6, 10**9)]
    assert values == sorted(values, reverse=True)
    assert 1 <= values[-1] < values[0] <= 64
