"""GET /products/search: what is found by which words, in which order; nothing in a query is a wildcard."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.catalogue import synthetic
from infra.tools.import_catalogue import import_file
from orchard.core.paging import encode_cursor
from orchard.runtime.database import Connection
from tests.support.calls import Answer
from tests.support.catalogue import CATEGORY, product

Get = Callable[..., Answer]
Write = Callable[[Iterable[Any]], Path]


def found(get: Get, q: str, **query: Any) -> list[str]:
    answer = get("search_products", "/products/search", q=q, **query)
    assert answer.status == 200, answer.text
    return [one["name"] for one in answer.json["products"]]


def walk(get: Get, q: str, limit: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = get("search_products", "/products/search", q=q, limit=limit, **cursor).json
        rows += page["products"]
        if page["next_cursor"] is None:
            return rows
        cursor = {"cursor": page["next_cursor"]}


@pytest.mark.parametrize(
    "q",
    [
        "苹果",
        "红富士",
        "红富士苹果",
        "苹果 红富士",
        "红富士,苹果",
        "红 富士",
        "红富士苹果 5斤",
        "５斤装　红富士",
        "富士",
    ],
)
def test_red_fuji_is_found_by_any_of_its_words(demo: Connection, get: Get, q: str) -> None:
    assert found(get, q)[0] == "红富士苹果 5斤装"


@pytest.mark.parametrize("q", ["kiwi", "KIWI", "ＫＩＷＩ", " Kiwi "])
def test_case_and_width_do_not_matter(demo: Connection, get: Get, q: str) -> None:
    assert found(get, q) == ["阳光金奇异果 6个"]


def test_one_character_is_a_query(demo: Connection, get: Get) -> None:
    assert found(get, "牛") == ["即食牛油果 4个"]


def test_brand_category_and_keywords_are_searched_too(demo: Connection, get: Get) -> None:
    assert "车厘子 JJ 级" in found(get, "SunCrate", limit=50)
    assert "经典三拼果切杯" in found(get, "水果杯")
    assert "秋月梨 4个礼盒" in found(get, "梨", limit=50)
    assert found(get, "鳄梨")[0] == "即食牛油果 4个"


def test_words_may_stand_in_any_order(demo: Connection, get: Get) -> None:
    assert found(get, "下午茶 果切")[:2] == found(get, "果切 下午茶")[:2] == ["下午茶果切拼盘", "经典三拼果切杯"]


def test_equal_relevance_ranks_by_sales(demo: Connection, get: Get) -> None:
    sales = [one["sales_count"] for one in walk(get, "红富士", 50) if "红富士" in one["name"]]
    assert sales == sorted(sales, reverse=True)
    assert len(sales) == 3


def test_a_name_outranks_a_keyword(get: Get, db: Connection, write: Write) -> None:
    records = [
        product("a", name="蜜瓜", sales_count=1),
        product("b", name="水果拼盘", keywords=["蜜瓜"], sales_count=9),
    ]
    import_file(db, write([CATEGORY, *records]))
    assert found(get, "蜜瓜") == ["蜜瓜", "水果拼盘"]


def test_all_words_come_before_some(demo: Connection, get: Get) -> None:
    names = found(get, "海南芒")
    assert names[0] == "海南贵妃芒 5斤"
    tolerant = found(get, "红富士苹果", limit=50)
    assert [("红富士" in name) for name in tolerant[:3]] == [True, True, True]
    assert "嘎啦苹果 4斤装" in tolerant


@pytest.mark.parametrize(
    "q", ["%", "_", "\\", "%%", "100%", "红%", "苹_果", "'", '"', "; DROP TABLE product", "*", "+-"]
)
def test_no_character_is_a_wildcard_or_an_operator(get: Get, db: Connection, write: Write, q: str) -> None:
    import_file(db, write([CATEGORY, product("a", name="西瓜"), product("b", name="草莓")]))
    assert found(get, q) == []


def test_percent_beside_a_number_finds_the_number(get: Get, db: Connection, write: Write) -> None:
    import_file(db, write([CATEGORY, product("a", name="100% 橙汁"), product("b", name="50% 橙汁")]))
    assert found(get, "100%") == ["100% 橙汁"]


@pytest.mark.parametrize("q", ["👨‍👩‍👧‍👦", "\u202e苹果", "果" * 64, "ﷺ" * 64, "a1" * 32, "𠮷", "(a+)+$", "5" * 64])
def test_odd_texts_are_queries_like_any_other(demo: Connection, get: Get, q: str) -> None:
    assert get("search_products", "/products/search", q=q).status == 200


def test_rare_four_byte_characters_are_found(get: Get, db: Connection, write: Write) -> None:
    import_file(db, write([CATEGORY, product("a", name="𠮷野家牛丼"), product("b", name="👨‍👩‍👧‍👦 家庭装")]))
    assert found(get, "𠮷野") == ["𠮷野家牛丼"]
    assert found(get, "家庭") == ["👨‍👩‍👧‍👦 家庭装"]


@pytest.mark.parametrize(
    "query",
    [{}, {"q": ""}, {"q": "   "}, {"q": "果" * 65}, {"q": "a\x00b"}, {"q": "果", "limit": 51}, {"q": "果", "limit": 0}],
)
def test_bad_queries_are_refused(get: Get, query: dict[str, Any]) -> None:
    answer = get("search_products", "/products/search", **query)
    assert (answer.status, answer.code) == (422, "invalid_input")


@pytest.mark.parametrize("key", [(0, 1, 2), (0, -1, 2, 3), (0, 1, 2, 2**64), ("0", 1, 2, 3)])
def test_a_cursor_with_absurd_keys_is_refused(get: Get, key: tuple[Any, ...]) -> None:
    answer = get("search_products", "/products/search", q="苹果", cursor=encode_cursor("search:苹果", key))
    assert (answer.status, answer.code) == (422, "invalid_input")


def test_a_cursor_serves_only_its_own_words(demo: Connection, get: Get) -> None:
    cursor = get("search_products", "/products/search", q="苹果", limit=2).json["next_cursor"]
    assert get("search_products", "/products/search", q="葡萄", limit=2, cursor=cursor).status == 422


@pytest.mark.parametrize("q", ["苹果", "红富士苹果", "有机草莓礼盒", "果"])
def test_pages_hold_each_hit_once_in_the_order_of_one_page(db: Connection, get: Get, write: Write, q: str) -> None:
    import_file(db, write(synthetic(400)))
    whole = [one["product_id"] for one in walk(get, q, 50)]
    assert [one["product_id"] for one in walk(get, q, 7)] == whole
    assert len(whole) == len(set(whole)) > 20


def test_a_search_finds_what_contains_every_word(db: Connection, get: Get, write: Write) -> None:
    import_file(db, write(synthetic(1500)))
    names = [record["name"] for record in synthetic(1500) if record["type"] == "product"]
    wanted = sorted(name for name in names if "红富士" in name and "苹果" in name)
    strict = [one["name"] for one in walk(get, "苹果 红富士", 50)][: len(wanted)]
    assert sorted(strict) == wanted != []


def test_a_search_takes_three_queries_and_shows_live_stock(demo: Connection, get: Get) -> None:
    demo.round_trips = 0
    page = get("search_products", "/products/search", q="蜜脆苹果").json["products"]
    assert demo.round_trips <= 4
    assert (page[0]["name"], page[0]["available"], page[0]["in_stock"]) == ("蜜脆苹果 3斤装", 0, False)
    demo.round_trips = 0
    found(get, "蓝莓")
    assert demo.round_trips == 3


def test_products_off_sale_are_not_found(demo: Connection, get: Get) -> None:
    assert "美早樱桃 1斤" not in found(get, "樱桃", limit=50)
