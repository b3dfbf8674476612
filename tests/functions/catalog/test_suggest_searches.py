"""GET /products/suggestions."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from infra.tools.import_catalogue import import_file
from orchard.runtime.database import Connection
from tests.support.calls import Answer
from tests.support.catalogue import CATEGORY, product

Get = Callable[..., Answer]


def suggested(get: Get, q: str, **query: Any) -> list[str]:
    answer = get("suggest_searches", "/products/suggestions", q=q, **query)
    assert answer.status == 200, answer.text
    return list(answer.json["suggestions"])


def test_words_categories_brands_and_names_continue_a_prefix(demo: Connection, get: Get) -> None:
    assert suggested(get, "苹")[0] == "苹果"
    assert "红富士" in suggested(get, "红")
    assert "红富士苹果 5斤装" in suggested(get, "红")
    assert "水果杯" in suggested(get, "水果")
    assert suggested(get, "SUN") == ["SunCrate"]
    assert suggested(get, "ｓｕｎ") == ["SunCrate"]


def test_everything_suggested_begins_with_the_prefix_and_is_found(demo: Connection, get: Get) -> None:
    for text in suggested(get, "阳光", limit=20):
        assert text.startswith("阳光")
        assert get("search_products", "/products/search", q=text).json["products"]


def test_best_sellers_come_first_and_the_list_is_short(demo: Connection, get: Get) -> None:
    names = [text for text in suggested(get, "红富士", limit=3) if " " in text]
    assert names == ["红富士苹果 5斤装", "红富士苹果 10斤家庭装"][: len(names)] != []
    assert len(suggested(get, "红", limit=3)) == 3


@pytest.mark.parametrize("q", ["%", "_", "\\", "红%", "苹_"])
def test_no_character_is_a_wildcard(demo: Connection, get: Get, q: str) -> None:
    assert suggested(get, q) == []


def test_products_off_sale_are_not_suggested(db: Connection, get: Get, write: Callable[[Iterable[Any]], Path]) -> None:
    import_file(db, write([CATEGORY, product("a", name="荔枝王")]))
    assert suggested(get, "荔枝")
    import_file(db, write([product("a", name="荔枝王", on_sale=False)]))
    assert suggested(get, "荔枝") == []


@pytest.mark.parametrize("query", [{}, {"q": ""}, {"q": "果" * 65}, {"q": "果", "limit": 21}, {"q": "果", "limit": 0}])
def test_bad_queries_are_refused(get: Get, query: dict[str, Any]) -> None:
    assert get("suggest_searches", "/products/suggestions", **query).status == 422
