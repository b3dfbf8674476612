"""GET /categories."""

from collections.abc import Callable
from typing import Any

from orchard.runtime.database import Connection
from tests.support.calls import Answer

Get = Callable[..., Answer]


def named(categories: list[dict[str, Any]]) -> dict[str, Any]:
    return {category["name"]: named(category["children"]) for category in categories}


def test_categories_come_as_a_tree_in_the_shops_order(demo: Connection, get: Get) -> None:
    demo.round_trips = 0
    answer = get("list_categories", "/categories")
    assert answer.status == 200
    assert demo.round_trips == 1
    tree = named(answer.json["categories"])
    assert list(tree) == ["鲜果", "果切", "礼盒", "果干坚果", "果汁饮品"]
    assert list(tree["鲜果"]["柑橘柚"]) == ["橙子", "柑橘", "柚子"]
    assert tree["礼盒"] == {}


def test_an_empty_shop_has_an_empty_tree(get: Get) -> None:
    assert get("list_categories", "/categories").json == {"categories": []}
