"""order.paid: sales counts, once per event."""

from collections.abc import Callable
from typing import Any

from orchard.core.ids import new_id
from orchard.runtime.database import Connection
from tests.support.calls import Answer, invoke
from tests.support.events import message

Get = Callable[..., Answer]


def rows(db: Connection) -> dict[str, tuple[int, int]]:
    """code -> (product id, sales count); product and listing must agree."""
    found = db.run(lambda tx: tx.rows("SELECT id, code, sales_count FROM product"))
    apart = db.run(
        lambda tx: tx.rows(
            "SELECT p.code FROM product p JOIN product_listing l ON l.product_id = p.id"
            " WHERE l.sales_count <> p.sales_count"
        )
    )
    assert apart == []
    return {row["code"]: (row["id"], row["sales_count"]) for row in found}


def paid(*lines: tuple[int, int]) -> dict[str, Any]:
    return {
        "order_number": "20261122ABCDEFGH",
        "lines": [{"sku_id": "1", "product_id": str(product_id), "quantity": units} for product_id, units in lines],
    }


def deliver(*records: dict[str, Any]) -> list[str]:
    answer = invoke("catalog/record_sales", {"Records": list(records)})
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


def test_quantities_are_added_once_per_event(demo: Connection) -> None:
    before = rows(demo)
    apple, grape = before["hongfushi-5"][0], before["yangguang"][0]
    event = new_id()
    payload = paid((apple, 2), (grape, 1), (apple, 3))
    assert deliver(message("order.paid", payload, event_id=event)) == []
    # At least once: the same event again, alone and doubled within a batch.
    again = message("order.paid", payload, event_id=event)
    assert deliver(again, message("order.paid", payload, event_id=event)) == []
    after = rows(demo)
    assert after["hongfushi-5"][1] == before["hongfushi-5"][1] + 5
    assert after["yangguang"][1] == before["yangguang"][1] + 1
    assert after["chelizi"] == before["chelizi"]


def test_a_bad_message_fails_alone_and_leaves_nothing(demo: Connection) -> None:
    before = rows(demo)
    apple = before["hongfushi-5"][0]
    bad = message("order.paid", {"lines": [{"product_id": str(apple), "quantity": "many"}]})
    good = message("order.paid", paid((apple, 1)))
    assert deliver(bad, good) == [bad["messageId"]]
    assert rows(demo)["hongfushi-5"][1] == before["hongfushi-5"][1] + 1


def test_products_that_are_gone_are_passed_over(demo: Connection) -> None:
    apple, sold = rows(demo)["hongfushi-5"]
    assert deliver(message("order.paid", paid((999, 4), (apple, 1)))) == []
    assert rows(demo)["hongfushi-5"][1] == sold + 1


def test_the_list_by_sales_follows(demo: Connection, get: Get) -> None:
    lemon = rows(demo)["ningmeng"][0]
    deliver(message("order.paid", paid((lemon, 5000))))
    first = get("list_products", "/products", sort="sales", limit=1).json["products"][0]
    assert (first["name"], first["sales_count"]) == ("黄柠檬 6个装", 5520)
