"""GET /products/{product_id}."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from infra.tools.import_catalogue import import_file
from orchard.inventory import service as inventory
from orchard.runtime.database import Connection
from tests.support.calls import Answer
from tests.support.catalogue import CATEGORY, product

Get = Callable[..., Answer]
Write = Callable[[Iterable[Any]], Path]


def product_id(db: Connection, code: str) -> str:
    row = db.run(lambda tx: tx.row("SELECT id FROM product WHERE code = %s", (code,)))
    assert row is not None
    return str(row["id"])


def shown(db: Connection, get: Get, code: str) -> dict[str, Any]:
    answer = get("show_product", f"/products/{product_id(db, code)}")
    assert answer.status == 200, answer.text
    return dict(answer.json)


def test_one_call_shows_everything_in_two_round_trips(demo: Connection, get: Get) -> None:
    address = f"/products/{product_id(demo, 'gift-apple')}"
    demo.round_trips = 0
    detail = get("show_product", address).json
    assert demo.round_trips == 2
    assert detail["brand_name"] == "北苑"
    assert detail["category_name"] == "礼盒"
    assert [one["name"] for one in detail["specifications"]] == ["果径", "贺卡"]
    assert [sku["specification_values"] for sku in detail["skus"]] == [
        ["80mm", "不要贺卡"], ["80mm", "手写贺卡"], ["90mm", "不要贺卡"], ["90mm", "手写贺卡"],
    ]  # fmt: skip
    assert detail["skus"][0]["name"] == "80mm 不要贺卡"
    assert {"name": "产地", "value": "陕西延安"} in detail["attributes"]
    assert len(detail["pictures"]) == 3
    assert detail["description"].startswith("<h3>平安苹果礼盒 12枚</h3>")


def test_video_value_pictures_and_delivery_methods_are_shown(demo: Connection, get: Get) -> None:
    grapes = shown(demo, get, "yangguang")
    assert grapes["video_url"].endswith("yangguang.mp4")
    assert grapes["skus"][1]["picture_url"].endswith("skus/yangguang-2.jpg")
    assert grapes["delivery_methods"] == ["express", "local", "pickup"]
    assert shown(demo, get, "platter-party")["delivery_methods"] == ["pickup"]


def test_each_sku_has_its_own_live_stock(demo: Connection, get: Get) -> None:
    sku_id = int(shown(demo, get, "hongfushi-5")["skus"][1]["sku_id"])
    adjust = inventory.AdjustReason.WRITE_OFF
    demo.run(lambda tx: inventory.adjust(tx, sku_id, inventory.MAIN_LOCATION, -180, adjust, "frost-1"))
    detail = shown(demo, get, "hongfushi-5")
    assert [(sku["available"], sku["in_stock"]) for sku in detail["skus"]] == [(320, True), (0, False), (60, True)]
    assert detail["available"] == 380


def test_a_sku_off_sale_is_not_shown_and_does_not_price(get: Get, db: Connection, write: Write) -> None:
    record = product("a", specifications=[{"name": "规格", "values": [{"value": "小"}, {"value": "大"}]}])
    sku = {"weight_grams": 1, "stock": 3}
    record["skus"] = [
        {**sku, "code": "a-1", "values": ["小"], "price_fen": 100, "on_sale": False},
        {**sku, "code": "a-2", "values": ["大"], "price_fen": 900},
    ]
    import_file(db, write([CATEGORY, record]))
    detail = shown(db, get, "a")
    assert [one["name"] for one in detail["skus"]] == ["大"]
    assert (detail["price_fen"], detail["highest_price_fen"], detail["available"]) == (900, 900, 3)


def test_a_missing_product_and_one_off_sale_look_the_same(demo: Connection, get: Get) -> None:
    off_sale = get("show_product", f"/products/{product_id(demo, 'yingtao')}")
    missing = get("show_product", "/products/123456789")
    assert (off_sale.status, missing.status) == (404, 404)
    assert {**off_sale.json, "request_id": ""} == {**missing.json, "request_id": ""}


@pytest.mark.parametrize("wrong", ["0", "x", "1%20OR%201=1", "-1", str(2**63), "1.5"])
def test_what_is_no_id_is_refused(get: Get, wrong: str) -> None:
    assert get("show_product", f"/products/{wrong}").status in {404, 422}


def test_odd_names_come_back_as_they_were(get: Get, db: Connection, write: Write) -> None:
    name = "👨‍👩‍👧‍👦𠮷 'a\"\\ %s {x} 苹果"
    import_file(db, write([CATEGORY, product("a", name=name)]))
    assert shown(db, get, "a")["name"] == name
