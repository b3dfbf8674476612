"""GET /products: every sort and filter, pages without gaps, two queries, one index range, nothing injected."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.catalogue import synthetic
from infra.tools.import_catalogue import import_file
from orchard.catalog.models import ProductFilter, ProductSort
from orchard.catalog.store import listing
from orchard.core.paging import encode_cursor
from orchard.inventory import service as inventory
from orchard.runtime.database import Connection, escape
from tests.support.calls import Answer
from tests.support.catalogue import CATEGORY, product

Get = Callable[..., Answer]
Write = Callable[[Iterable[Any]], Path]
KEYS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "sales": lambda p: (-p["sales_count"], -int(p["product_id"])),
    "price_asc": lambda p: (p["price_fen"], int(p["product_id"])),
    "price_desc": lambda p: (-p["price_fen"], -int(p["product_id"])),
    "newest": lambda p: -int(p["product_id"]),
}


def walk(get: Get, limit: int = 7, **query: Any) -> list[dict[str, Any]]:
    """All pages of a list."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = get("list_products", "/products", limit=limit, **query, **cursor)
        assert answer.status == 200, answer.text
        found += answer.json["products"]
        if answer.json["next_cursor"] is None:
            return found
        assert len(answer.json["products"]) == limit
        cursor = {"cursor": answer.json["next_cursor"]}


def category_id(get: Get, *names: str) -> str:
    level = get("list_categories", "/categories").json["categories"]
    for name in names:
        category = next(one for one in level if one["name"] == name)
        level = category["children"]
    return str(category["category_id"])


@pytest.mark.parametrize("sort", KEYS)
def test_pages_of_every_sort_hold_each_product_once_in_order(demo: Connection, get: Get, sort: str) -> None:
    found = walk(get, sort=sort)
    assert len(found) == len({p["product_id"] for p in found}) == 64
    assert found == sorted(found, key=KEYS[sort])


def test_default_sort_is_the_shops_own(demo: Connection, get: Get) -> None:
    assert [p["name"] for p in walk(get)][:3] == ["红富士苹果 5斤装", "阳光玫瑰葡萄", "红富士苹果 10斤家庭装"]


def test_ties_neither_repeat_nor_vanish(get: Get, db: Connection, write: Write) -> None:
    import_file(db, write([CATEGORY, *(product(f"p{n}") for n in range(25))]))
    for sort in ProductSort:
        assert len({p["product_id"] for p in walk(get, limit=4, sort=sort.value)}) == 25


def test_a_category_lists_itself_and_all_below(demo: Connection, get: Get) -> None:
    apples = {p["name"] for p in walk(get, category_id=category_id(get, "鲜果", "苹果梨", "苹果"))}
    both = {p["name"] for p in walk(get, category_id=category_id(get, "鲜果", "苹果梨"))}
    fresh = {p["name"] for p in walk(get, category_id=category_id(get, "鲜果"))}
    assert len(apples) == 7
    assert apples < both < fresh
    assert "鸭梨 5斤装" in both
    assert "芒果干 108g" not in fresh


def test_filters_work_alone_and_together(demo: Connection, get: Get) -> None:
    brands = {b["name"]: b["brand_id"] for b in get("list_brands", "/brands").json["brands"]}
    everything = walk(get)
    northern = walk(get, brand_id=brands["北苑"])
    assert 0 < len(northern) < len(everything)
    in_pears = walk(get, brand_id=brands["北苑"], category_id=category_id(get, "鲜果", "苹果梨", "梨"))
    assert {p["name"] for p in in_pears} == {"鸭梨 5斤装", "库尔勒香梨", "雪花梨 炖汤款 5斤"}
    cheap = walk(get, sort="sales", min_price_fen=2000, max_price_fen=2990)
    wanted = {p["product_id"] for p in everything if 2000 <= p["price_fen"] <= 2990}
    assert {p["product_id"] for p in cheap} == wanted != set()
    sold_out = {p["name"] for p in everything} - {p["name"] for p in walk(get, in_stock="true")}
    assert sold_out == {"蜜脆苹果 3斤装"}


def test_an_unknown_category_is_an_empty_list(demo: Connection, get: Get) -> None:
    assert get("list_products", "/products", category_id="12345").json == {"products": [], "next_cursor": None}


def test_products_off_sale_are_not_listed(demo: Connection, get: Get) -> None:
    assert "美早樱桃 1斤" not in {p["name"] for p in walk(get)}


def test_prices_are_the_range_of_the_skus(demo: Connection, get: Get) -> None:
    apple = next(p for p in walk(get) if p["name"] == "红富士苹果 5斤装")
    assert (apple["price_fen"], apple["highest_price_fen"], apple["list_price_fen"]) == (3990, 5290, 4990)


def test_stock_is_live_and_a_page_takes_two_queries(demo: Connection, get: Get) -> None:
    before = get("list_products", "/products").json["products"][0]
    detail = get("show_product", f"/products/{before['product_id']}").json
    sku_id = int(detail["skus"][0]["sku_id"])
    adjust = inventory.AdjustReason.WRITE_OFF
    demo.run(lambda tx: inventory.adjust(tx, sku_id, inventory.MAIN_LOCATION, -20, adjust, "spoiled-1"))
    demo.round_trips = 0
    after = get("list_products", "/products").json["products"][0]
    assert demo.round_trips == 2
    assert after["available"] == before["available"] - 20


@pytest.mark.parametrize(
    "query",
    [
        {"sort": "price"},
        {"sort": "id; DROP TABLE product"},
        {"sort": "SALES"},
        {"limit": 0},
        {"limit": -1},
        {"limit": 51},
        {"limit": 10**30},
        {"limit": "1,2"},
        {"category_id": "1 OR 1=1"},
        {"category_id": "-1"},
        {"category_id": str(2**63)},
        {"brand_id": "%"},
        {"min_price_fen": -1},
        {"max_price_fen": 10**13},
        {"max_price_fen": "1e3"},
        {"in_stock": "perhaps"},
        {"cursor": ""},
        {"cursor": "x" * 513},
        {"cursor": "%27%20OR%201"},
    ],
)
def test_what_no_list_offers_is_refused(get: Get, query: dict[str, Any]) -> None:
    answer = get("list_products", "/products", **query)
    assert (answer.status, answer.code) == (422, "invalid_input")


def test_a_reversed_price_range_is_refused(get: Get) -> None:
    answer = get("list_products", "/products", min_price_fen=2, max_price_fen=1)
    assert (answer.status, answer.code) == (422, "price_range_reversed")


def test_a_cursor_serves_only_the_list_it_came_from(demo: Connection, get: Get) -> None:
    cursor = get("list_products", "/products", sort="sales", limit=2).json["next_cursor"]
    for query in ({"sort": "newest"}, {"sort": "sales", "in_stock": "true"}, {"sort": "sales", "max_price_fen": 9}):
        assert get("list_products", "/products", cursor=cursor, **query).status == 422
    swapped = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    assert get("list_products", "/products", sort="sales", cursor=swapped).status == 422


@pytest.mark.parametrize("key", [(-1, 1), (2**63, 1), (10**200, 1), (True, 1), ("1", 1), (1,), (1, 2, 3)])
def test_a_well_made_cursor_with_absurd_keys_is_refused(get: Get, key: tuple[Any, ...]) -> None:
    cursor = encode_cursor(f"products:sales:{ProductFilter().scope}", key)
    answer = get("list_products", "/products", sort="sales", cursor=cursor)
    assert (answer.status, answer.code) == (422, "invalid_input")


@pytest.mark.parametrize("sort", list(ProductSort))
def test_a_deep_page_is_one_index_range(db: Connection, write: Write, sort: ProductSort) -> None:
    import_file(db, write(synthetic(3000)))
    leaf = db.run(lambda tx: tx.row("SELECT id FROM category WHERE code = 'r1'"))
    assert leaf is not None
    wanted = ProductFilter(category_id=leaf["id"], min_price_fen=600)
    first = db.run(lambda tx: tx.packet([listing.page(wanted, sort, None, 100)])[0].rows)
    last = first[-1]
    after = (last["product_id"],) if sort is ProductSort.NEWEST else (last["sort_key"], last["product_id"])
    statement = listing.page(wanted, sort, after, 20)
    # MySQL's own default is a tree.
    steps = db.run(lambda tx: tx.rows("EXPLAIN FORMAT=TRADITIONAL " + escape(statement.sql, statement.params)))
    assert [(step["table"], step["type"]) for step in steps] == [("l", "range"), ("p", "eq_ref")], steps
    assert steps[0]["key"] == listing.SORTS[sort].index
    # No sorting: the index delivers the order, so a page costs its own length.
    assert [step["Extra"] for step in steps if "filesort" in str(step["Extra"])] == []
