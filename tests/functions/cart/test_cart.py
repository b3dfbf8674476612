"""GET and DELETE /cart: prices and stock of now, invalid lines apart, totals from the pricing engine."""

from datetime import UTC, datetime
from typing import Any

import pytest

from orchard.cart import service as cart
from orchard.cart import store
from orchard.cart.models import CartRow
from orchard.core.ids import new_id
from orchard.inventory import service as inventory
from orchard.inventory.models import MAIN_LOCATION, AdjustReason, StockLine
from orchard.pricing import service as pricing
from orchard.runtime.database import Connection
from tests.support.products import TestSku, load_products
from tests.support.trolley import APPLES, PEARS, Trolley

NOTHING = {
    "line_count": 0, "unit_count": 0, "goods_fen": 0, "discount_fen": 0, "payable_fen": 0, "free_freight_gap_fen": None,
}  # fmt: skip


def set_stock(db: Connection, sku_id: int, change: int, key: str) -> None:
    db.run(lambda tx: inventory.adjust(tx, sku_id, MAIN_LOCATION, change, AdjustReason.ADJUST, key))


def put_unknown_sku(db: Connection, member_id: int) -> int:
    """A line whose SKU the catalogue has forgotten."""
    row = CartRow(new_id(), new_id(), new_id(), 2, True, 500, datetime.now(UTC))
    db.run(lambda tx: tx.execute(store.insert_line(member_id, row)))
    return row.line_id


def reasons(cart: Any) -> dict[str, str]:
    return {line["line_id"]: line["reason"] for line in cart["invalid_lines"]}


def test_a_new_member_has_an_empty_cart(trolley: Trolley) -> None:
    assert trolley.show() == {"lines": [], "invalid_lines": [], "line_count": 0, "totals": NOTHING}


def test_a_cart_needs_a_member(trolley: Trolley) -> None:
    for method in ("GET", "DELETE"):
        answer = trolley.call("cart/cart", method, "/cart")
        assert (answer.status, answer.code) == (401, "unauthenticated")


def test_lines_come_newest_first_with_everything_a_page_shows(trolley: Trolley) -> None:
    first, second = trolley.added("apple-5", 2), trolley.added("pear", 3)
    cart = trolley.show()
    assert [line["line_id"] for line in cart["lines"]] == [second, first]
    line = cart["lines"][1]
    added_at = datetime.fromisoformat(line.pop("added_at"))
    assert added_at.tzinfo == UTC
    product_id = line.pop("product_id")
    assert product_id.isdigit()
    assert line == {
        "line_id": first,
        "sku_id": str(trolley.skus["apple-5"]),
        "product_name": "红富士苹果 apple",
        "sku_name": "apple-5",
        "picture_url": "https://shop.test/apple.jpg",
        "quantity": 2,
        "selected": True,
        "list_price_fen": 4990,
        "price_fen": 3990,
        "added_price_fen": 3990,
        "subtotal_fen": 7980,
        "available": 20,
    }
    assert cart["totals"] == {
        "line_count": 2, "unit_count": 5, "goods_fen": 12480, "discount_fen": 0, "payable_fen": 12480,
        "free_freight_gap_fen": None,
    }  # fmt: skip


def test_a_changed_price_shows_beside_the_one_it_was_added_at(db: Connection, trolley: Trolley) -> None:
    trolley.added("pear", 2)
    load_products(db, {"pears": [TestSku("pear", 1200)]})
    (line,) = trolley.show()["lines"]
    assert (line["price_fen"], line["added_price_fen"], line["subtotal_fen"]) == (1200, 1500, 2400)


def test_only_selected_lines_count(trolley: Trolley) -> None:
    apple = trolley.added("apple-5")
    trolley.added("pear")
    trolley.change(apple, {"selected": False})
    totals = trolley.show()["totals"]
    assert (totals["line_count"], totals["goods_fen"]) == (1, 1500)


def test_what_is_missing_to_free_freight_is_said(db: Connection, trolley: Trolley) -> None:
    trolley.added("pear")
    db.run(lambda tx: pricing.set_freight_policy(tx, free_threshold_fen=9900))
    assert trolley.show()["totals"]["free_freight_gap_fen"] == 8400
    trolley.added("apple-10", 2)
    assert trolley.show()["totals"]["free_freight_gap_fen"] == 0


def test_invalid_lines_stand_apart_with_their_reason_and_count_for_nothing(db: Connection, trolley: Trolley) -> None:
    small, big, pear = trolley.added("apple-5", 20), trolley.added("apple-10"), trolley.added("pear", 2)
    gone = put_unknown_sku(db, trolley.member_id)
    load_products(db, {"pears": PEARS}, on_sale=False)
    set_stock(db, trolley.skus["apple-5"], -1, "short")
    set_stock(db, trolley.skus["apple-10"], -8, "empty")
    cart = trolley.show()
    assert cart["lines"] == []
    assert reasons(cart) == {small: "too_many", big: "out_of_stock", pear: "off_sale", str(gone): "deleted"}
    assert (cart["line_count"], cart["totals"]) == (4, NOTHING)
    shown = {line["line_id"]: line for line in cart["invalid_lines"]}
    assert (shown[small]["available"], shown[small]["price_fen"], shown[small]["quantity"]) == (19, 3990, 20)
    assert (shown[str(gone)]["product_name"], shown[str(gone)]["price_fen"]) == (None, None)


def test_one_sku_off_sale_leaves_its_sisters_alone(db: Connection, trolley: Trolley) -> None:
    small, big = trolley.added("apple-5"), trolley.added("apple-10")
    load_products(db, {"apple": [APPLES[0], TestSku("apple-10", 6990, on_sale=False)]})
    cart = trolley.show()
    assert ([line["line_id"] for line in cart["lines"]], reasons(cart)) == ([small], {big: "off_sale"})


def test_units_reserved_by_others_are_not_available(db: Connection, trolley: Trolley) -> None:
    line_id = trolley.added("pear", 4)
    sku_id = trolley.skus["pear"]
    db.run(lambda tx: tx.packet(inventory.reserve(1, [StockLine(1, sku_id, 2, MAIN_LOCATION)])))
    cart = trolley.show()
    assert reasons(cart) == {line_id: "too_many"}
    assert cart["invalid_lines"][0]["available"] == 3


def test_the_number_of_queries_is_fixed(db: Connection, trolley: Trolley) -> None:
    trolley.show()
    trolley.added("apple-5")
    trolley.show()
    for sku in ("apple-10", "pear"):
        db.round_trips = 0
        trolley.show()
        # Session; lines; SKUs, stock and freight version together.
        assert db.round_trips == 3
        trolley.added(sku)


def test_clearing_takes_out_everything(trolley: Trolley, stranger: Trolley) -> None:
    stranger.added("pear")
    trolley.added("pear")
    trolley.added("apple-5")
    answer = trolley.clear()
    assert (answer.status, answer.json["line_count"]) == (200, 0)
    assert trolley.show()["line_count"] == 0
    assert stranger.show()["line_count"] == 1


def test_clearing_the_invalid_lines_keeps_the_others(db: Connection, trolley: Trolley) -> None:
    apple = trolley.added("apple-5")
    trolley.added("pear")
    put_unknown_sku(db, trolley.member_id)
    load_products(db, {"pears": PEARS}, on_sale=False)
    answer = trolley.clear({"lines": "invalid"})
    assert answer.status == 200
    assert answer.json == trolley.show()
    assert ([line["line_id"] for line in answer.json["lines"]], answer.json["line_count"]) == ([apple], 1)
    assert trolley.clear({"lines": "invalid"}).json == answer.json


def test_clearing_an_empty_cart_is_no_error(trolley: Trolley) -> None:
    assert trolley.clear().status == 200
    assert trolley.clear({"lines": "invalid"}).status == 200


@pytest.mark.parametrize("scope", ["some", "all,invalid", "1' OR '1'='1", ""])
def test_a_scope_outside_the_list_is_refused(trolley: Trolley, scope: str) -> None:
    trolley.added("pear")
    assert trolley.clear({"lines": scope}).status == 422
    assert trolley.show()["line_count"] == 1


def test_ordered_skus_leave_the_cart_of_their_member_alone(db: Connection, trolley: Trolley, stranger: Trolley) -> None:
    kept = trolley.added("apple-5")
    trolley.added("pear")
    stranger.added("pear")
    ordered = [trolley.skus["pear"], trolley.skus["apple-10"]]
    db.run(lambda tx: tx.execute(cart.remove_skus_statement(trolley.member_id, ordered)))
    assert [line["line_id"] for line in trolley.show()["lines"]] == [kept]
    assert stranger.show()["line_count"] == 1
