"""PATCH and DELETE /cart/lines/{line_id}: quantity, specification, selection; a foreign line does not exist."""

from typing import Any

import pytest

from orchard.core.ids import new_id
from orchard.inventory import service as inventory
from orchard.inventory.models import MAIN_LOCATION, AdjustReason
from orchard.runtime.database import Connection
from tests.support.products import TestSku, load_products
from tests.support.trolley import PEARS, Trolley


def test_changing_the_quantity_answers_the_cart(trolley: Trolley) -> None:
    line_id = trolley.added("pear")
    answer = trolley.change(line_id, {"quantity": 5})
    assert answer.status == 200
    assert answer.json == trolley.show()
    assert answer.json["totals"]["goods_fen"] == 5 * PEARS[0].price_fen


def test_several_changes_at_once(trolley: Trolley) -> None:
    line_id = trolley.added("apple-5", 3)
    body = {"quantity": 2, "sku_id": str(trolley.skus["apple-10"]), "selected": False}
    (line,) = trolley.change(line_id, body).json["lines"]
    assert (line["line_id"], line["quantity"], line["sku_id"], line["selected"]) == (
        line_id, 2, body["sku_id"], False,
    )  # fmt: skip


def test_another_specification_takes_its_price_of_now(trolley: Trolley) -> None:
    line_id = trolley.added("apple-5", 2)
    (line,) = trolley.change(line_id, {"sku_id": str(trolley.skus["apple-10"])}).json["lines"]
    assert (line["sku_name"], line["price_fen"], line["added_price_fen"], line["quantity"]) == (
        "apple-10", 6990, 6990, 2,
    )  # fmt: skip


def test_a_specification_that_stands_on_another_line_merges_into_it(trolley: Trolley) -> None:
    small, big = trolley.added("apple-5", 2), trolley.added("apple-10", 3)
    answer = trolley.change(small, {"sku_id": str(trolley.skus["apple-10"]), "quantity": 4})
    (line,) = answer.json["lines"]
    assert (line["line_id"], line["quantity"]) == (big, 7)
    assert answer.json == trolley.show()


def test_a_merge_past_the_stock_is_refused_whole(trolley: Trolley) -> None:
    small, big = trolley.added("apple-5", 5), trolley.added("apple-10", 4)
    answer = trolley.change(small, {"sku_id": str(trolley.skus["apple-10"])})
    assert (answer.status, answer.code, answer.json["lines"][0]["available"]) == (409, "out_of_stock", 8)
    assert {line["line_id"]: line["quantity"] for line in trolley.show()["lines"]} == {small: 5, big: 4}


def test_a_merge_past_999_is_refused_whole(db: Connection, trolley: Trolley) -> None:
    for sku in ("apple-5", "apple-10"):
        sku_id = trolley.skus[sku]
        db.run(lambda tx, s=sku_id: inventory.adjust(tx, s, MAIN_LOCATION, 2000, AdjustReason.RECEIVE, f"{s}"))  # type: ignore[misc]
    small = trolley.added("apple-5", 500)
    trolley.added("apple-10", 500)
    answer = trolley.change(small, {"sku_id": str(trolley.skus["apple-10"])})
    assert (answer.status, answer.code) == (409, "too_many_of_one")
    assert trolley.show()["line_count"] == 2


def test_the_same_specification_is_no_change(trolley: Trolley) -> None:
    line_id = trolley.added("pear", 2)
    answer = trolley.change(line_id, {"sku_id": str(trolley.skus["pear"])})
    assert (answer.status, answer.json["lines"][0]["quantity"]) == (200, 2)


def test_another_product_is_refused(trolley: Trolley) -> None:
    line_id = trolley.added("apple-5")
    answer = trolley.change(line_id, {"sku_id": str(trolley.skus["pear"])})
    assert (answer.status, answer.code) == (409, "sku_of_other_product")
    assert trolley.show()["lines"][0]["sku_name"] == "apple-5"


def test_an_unknown_specification_or_one_off_sale_is_refused(db: Connection, trolley: Trolley) -> None:
    line_id = trolley.added("apple-5")
    load_products(db, {"apple": [TestSku("apple-5"), TestSku("apple-10", on_sale=False)]})
    off_sale = trolley.change(line_id, {"sku_id": str(trolley.skus["apple-10"])})
    unknown = trolley.change(line_id, {"sku_id": str(new_id())})
    assert (off_sale.status, off_sale.code) == (409, "sku_off_sale")
    assert (unknown.status, unknown.code) == (404, "not_found")


def test_a_line_that_went_off_sale_can_be_left_out_and_moved_but_not_grown(db: Connection, trolley: Trolley) -> None:
    line_id = trolley.added("apple-5")
    load_products(db, {"apple": [TestSku("apple-5", on_sale=False), TestSku("apple-10")]})
    assert trolley.change(line_id, {"quantity": 2}).code == "sku_off_sale"
    assert trolley.change(line_id, {"selected": False}).status == 200
    moved = trolley.change(line_id, {"sku_id": str(trolley.skus["apple-10"])})
    assert [line["line_id"] for line in moved.json["lines"]] == [line_id]


def test_more_than_the_stock_is_refused_and_less_repairs_the_line(db: Connection, trolley: Trolley) -> None:
    line_id = trolley.added("pear", 5)
    sku_id = trolley.skus["pear"]
    db.run(lambda tx: inventory.adjust(tx, sku_id, MAIN_LOCATION, -3, AdjustReason.WRITE_OFF, "rotten"))
    assert trolley.change(line_id, {"quantity": 3}).code == "out_of_stock"
    answer = trolley.change(line_id, {"quantity": 2})
    assert ([line["line_id"] for line in answer.json["lines"]], answer.json["invalid_lines"]) == ([line_id], [])


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"quantity": 0},
        {"quantity": -1},
        {"quantity": 1.5},
        {"quantity": "1"},
        {"quantity": True},
        {"quantity": None},
        {"quantity": None, "selected": True},
        {"quantity": 1000},
        {"quantity": 2**63},
        {"selected": "yes"},
        {"sku_id": "abc"},
        {"sku_id": True},
        {"quantity": 2, "price_fen": 1},
        {"quantity": 2, "member_id": "1"},
        None,
        [],
    ],
)
def test_a_change_that_says_nothing_sensible_is_refused(trolley: Trolley, body: Any) -> None:
    line_id = trolley.added("pear")
    assert trolley.change(line_id, body).status == 422
    assert trolley.show()["lines"][0]["quantity"] == 1


def test_removing_a_line_answers_the_cart(trolley: Trolley) -> None:
    apple, pear = trolley.added("apple-5"), trolley.added("pear")
    answer = trolley.remove(apple)
    assert answer.status == 200
    assert [line["line_id"] for line in answer.json["lines"]] == [pear]
    assert trolley.remove(apple).status == 404


def test_a_foreign_line_is_as_good_as_missing(trolley: Trolley, stranger: Trolley) -> None:
    foreign, missing = stranger.added("pear"), str(new_id())
    for act in (trolley.remove, lambda line_id: trolley.change(line_id, {"quantity": 2})):
        answers = [act(line_id) for line_id in (foreign, missing)]
        bodies = [{k: v for k, v in answer.json.items() if k != "request_id"} for answer in answers]
        assert bodies[0] == bodies[1]
        assert [(answer.status, answer.code) for answer in answers] == [(404, "not_found")] * 2
    assert stranger.show()["lines"][0]["quantity"] == 1


@pytest.mark.parametrize("line_id", ["abc", "-1", "0", "1.5", "9" * 30, "1%20OR%201=1"])
def test_what_is_no_line_id_is_refused(trolley: Trolley, line_id: str) -> None:
    assert trolley.remove(line_id).status in {404, 422}


def test_changing_takes_five_round_trips(db: Connection, trolley: Trolley) -> None:
    line_id = trolley.added("apple-5")
    trolley.added("apple-10")
    trolley.show()
    for body in ({"quantity": 2}, {"sku_id": str(trolley.skus["apple-10"])}):
        db.round_trips = 0
        assert trolley.change(line_id, body).status == 200
        # Session; lines; SKUs, stock and freight version together; the change and lines; COMMIT.
        assert db.round_trips == 5


def test_removing_takes_four_round_trips(db: Connection, trolley: Trolley) -> None:
    line_id = trolley.added("apple-5")
    trolley.added("pear")
    trolley.show()
    db.round_trips = 0
    trolley.remove(line_id)
    assert db.round_trips == 4
