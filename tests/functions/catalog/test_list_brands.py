"""GET /brands."""

from collections.abc import Callable

import pytest

from orchard.runtime.database import Connection
from tests.support.calls import Answer

Get = Callable[..., Answer]


def test_pages_hold_every_brand_once_in_the_shops_order(demo: Connection, get: Get) -> None:
    names: list[str] = []
    query: dict[str, str] = {}
    while True:
        page = get("list_brands", "/brands", limit=3, **query).json
        assert len(page["brands"]) <= 3
        names += [brand["name"] for brand in page["brands"]]
        if page["next_cursor"] is None:
            break
        query = {"cursor": page["next_cursor"]}
    assert names == ["喜果园", "山露", "南枝", "北苑", "SunCrate", "切到", "果仁集"]


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 51}, {"limit": "x"}, {"cursor": "AAAA"}, {"cursor": "🍎"}])
def test_bad_queries_are_refused(get: Get, query: dict[str, object]) -> None:
    answer = get("list_brands", "/brands", **query)
    assert (answer.status, answer.code) == (422, "invalid_input")
