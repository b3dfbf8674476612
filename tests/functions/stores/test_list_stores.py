"""GET /stores: by region, by distance, page by page."""

from collections.abc import Callable
from typing import Any

import pytest

from orchard.runtime.database import Connection
from orchard.stores import service
from orchard.stores.rules import distance_metres
from orchard.stores.schemas import StoreDraft
from orchard.stores.service import directory
from tests.support.calls import Answer

HERE = {"latitude": 23.1064, "longitude": 113.3245}
Call = Callable[..., Answer]


def draft(code: str, **changes: Any) -> StoreDraft:
    values: dict[str, Any] = {
        "code": code, "name": f"果园 {code}", "region_code": "440105", "address": "艺苑路 1 号",
        "phone": "020-12345678", **HERE, "supports_local_delivery": True, "local_delivery_radius_metres": 3000,
    }  # fmt: skip
    return StoreDraft(**{**values, **changes})


def define(db: Connection, *drafts: StoreDraft) -> list[str]:
    return db.run(lambda tx: [str(directory.define_store(tx, one)) for one in drafts])


def listed(call: Call, **query: Any) -> list[str]:
    answer = call("stores/list_stores", "GET", "/stores", query=query)
    assert answer.status == 200, answer.text
    return [store["store_id"] for store in answer.json["stores"]]


def test_stores_come_nearest_first_with_their_distance(db: Connection, call: Call) -> None:
    far, near, middle = define(
        db, draft("far", latitude=23.3), draft("near"), draft("middle", latitude=23.11, longitude=113.4)
    )
    answer = call("stores/list_stores", "GET", "/stores", query=HERE)
    assert [store["store_id"] for store in answer.json["stores"]] == [near, middle, far]
    for store in answer.json["stores"]:
        exact = distance_metres((HERE["latitude"], HERE["longitude"]), (store["latitude"], store["longitude"]))
        assert abs(store["distance_metres"] - exact) <= 1


@pytest.mark.parametrize("position", [{}, HERE])
def test_pages_show_every_store_once(db: Connection, call: Call, position: dict[str, float]) -> None:
    # Several at the same spot: the id breaks the tie.
    ids = define(db, *(draft(f"s{number}", latitude=23.1064 + number // 3 / 100) for number in range(8)))
    seen: list[str] = []
    cursor = None
    for _ in range(8):
        query = {**position, "limit": 3, **({"cursor": cursor} if cursor else {})}
        answer = call("stores/list_stores", "GET", "/stores", query=query)
        seen += [store["store_id"] for store in answer.json["stores"]]
        cursor = answer.json["next_cursor"]
        if cursor is None:
            break
    assert seen == ids


def test_a_region_lists_the_places_inside_it(db: Connection, call: Call) -> None:
    haizhu, tianhe, nanshan = define(db, draft("a"), draft("b", region_code="440106"), draft("c", region_code="440305"))
    assert listed(call, region_code="440000") == [haizhu, tianhe, nanshan]
    assert listed(call, region_code="440100") == [haizhu, tianhe]
    assert listed(call, region_code="440305") == [nanshan]
    assert listed(call, region_code="110000") == []


def test_a_closed_store_is_gone_and_comes_back_as_the_same(db: Connection, call: Call) -> None:
    before = define(db, draft("a"))
    assert define(db, draft("a", is_open=False)) == before
    assert listed(call) == []
    assert db.run(lambda tx: service.read_store(tx.packet([service.store_statement(int(before[0]))])[0].rows)) is None
    define(db, draft("a", name="新果园"))
    read = db.run(lambda tx: service.read_store(tx.packet([service.store_statement(int(before[0]))])[0].rows))
    assert read is not None
    assert (read.name, read.supports_pickup, read.latitude) == ("新果园", True, HERE["latitude"])


@pytest.mark.parametrize(
    "query",
    [
        {"latitude": "23.1"},
        {"longitude": "113"},
        {"latitude": "nan", "longitude": "nan"},
        {"latitude": "1e999", "longitude": "0"},
        {"latitude": "90.1", "longitude": "0"},
        {"latitude": "0) OR SLEEP(1", "longitude": "0"},
        {"region_code": "44%"},
        {"region_code": "4401__"},
        {"limit": "51"},
        {"limit": "-1"},
        {"cursor": "abc"},
        {"cursor": "x" * 600},
    ],
)
def test_anything_else_is_refused(call: Call, query: dict[str, str]) -> None:
    answer = call("stores/list_stores", "GET", "/stores", query=query)
    assert answer.status == 422, answer.text
    assert answer.code == "invalid_input"


def test_a_cursor_of_another_list_is_refused(db: Connection, call: Call) -> None:
    define(db, draft("a"), draft("b"))
    cursor = call("stores/list_stores", "GET", "/stores", query={"limit": 1}).json["next_cursor"]
    assert call("stores/list_stores", "GET", "/stores", query={**HERE, "cursor": cursor}).status == 422
