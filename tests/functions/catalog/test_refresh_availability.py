"""order.placed, order.closed, stock.adjusted: the in-stock flags follow the stock."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from orchard.core.ids import new_id
from orchard.inventory import service as inventory
from orchard.runtime.database import Connection
from tests.support.calls import Answer, invoke
from tests.support.events import message

Get = Callable[..., Answer]


def flags(db: Connection, code: str) -> tuple[int, set[int]]:
    """The product's flag, and the flags of its listing rows."""
    head = db.run(lambda tx: tx.row("SELECT id, in_stock FROM product WHERE code = %s", (code,)))
    assert head is not None
    listed = db.run(lambda tx: tx.rows("SELECT in_stock FROM product_listing WHERE product_id = %s", (head["id"],)))
    return head["in_stock"], {row["in_stock"] for row in listed}


def skus(db: Connection, code: str) -> list[int]:
    sql = "SELECT s.id FROM sku s JOIN product p ON p.id = s.product_id WHERE p.code = %s ORDER BY s.position"
    return [row["id"] for row in db.run(lambda tx: tx.rows(sql, (code,)))]


def refresh(topic: str, sku_ids: list[Any]) -> None:
    answer = invoke("catalog/refresh_availability", {"Records": [message(topic, {"sku_ids": sku_ids})]})
    assert answer == {"batchItemFailures": []}


def sell(db: Connection, sku_id: int, units: int) -> None:
    line = inventory.StockLine(new_id(), sku_id, units, inventory.MAIN_LOCATION)
    db.run(lambda tx: tx.packet(inventory.reserve(new_id(), [line])))


@pytest.mark.parametrize("topic", ["order.placed", "order.closed", "stock.adjusted"])
def test_the_last_unit_takes_the_product_out_of_stock(demo: Connection, get: Get, topic: str) -> None:
    sku_ids = skus(demo, "gift-season")
    sell(demo, sku_ids[0], 40)
    refresh(topic, [str(sku_ids[0])])
    assert flags(demo, "gift-season") == (1, {1})
    sell(demo, sku_ids[1], 20)
    refresh(topic, [str(sku_ids[1])])
    assert flags(demo, "gift-season") == (0, {0})
    listed = get("list_products", "/products", in_stock="true", limit=50).json["products"]
    assert "四季鲜果礼篮" not in {one["name"] for one in listed}


def test_new_goods_bring_it_back(demo: Connection) -> None:
    (sku_id,) = skus(demo, "mizhi-apple")
    assert flags(demo, "mizhi-apple") == (0, {0})
    received = inventory.AdjustReason.RECEIVE
    demo.run(lambda tx: inventory.adjust(tx, sku_id, inventory.MAIN_LOCATION, 9, received, "delivery-1"))
    refresh("stock.adjusted", [sku_id])
    assert flags(demo, "mizhi-apple") == (1, {1})


def test_late_and_doubled_events_write_what_is_true_now(demo: Connection) -> None:
    (sku_id,) = skus(demo, "platter-party")
    sell(demo, sku_id, 8)
    for topic in ("order.placed", "stock.adjusted", "order.placed"):
        refresh(topic, [sku_id])
        assert flags(demo, "platter-party") == (0, {0})


def test_unknown_skus_and_no_skus_are_passed_over(demo: Connection) -> None:
    refresh("order.placed", [])
    refresh("order.placed", ["12345"])


def test_a_refresh_waits_for_one_under_way_and_reads_the_stock_after_it(demo: Connection) -> None:
    (sku_id,) = skus(demo, "platter-party")
    other = Connection()
    tx = other.transaction()
    tx.rows("SELECT id FROM product WHERE code = 'platter-party' FOR UPDATE")
    worker = threading.Thread(target=refresh, args=("order.placed", [sku_id]))
    worker.start()
    third = Connection()
    sell(third, sku_id, 8)
    tx.commit()
    worker.join(20)
    assert not worker.is_alive()
    assert flags(demo, "platter-party") == (0, {0})
    other.discard()
    third.discard()
