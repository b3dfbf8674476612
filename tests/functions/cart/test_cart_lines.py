"""POST and PATCH /cart/lines: adding merges and keeps the limits, also under concurrency; selecting is all or none."""

import json
from typing import Any

import pytest

from orchard.cart.models import MAX_LINES, CartFull, TooManyOfOne
from orchard.cart.schemas import LineDraft
from orchard.cart.service import lines as service
from orchard.core.ids import new_id
from orchard.inventory import service as inventory
from orchard.inventory.models import MAIN_LOCATION, AdjustReason
from orchard.runtime.database import Connection
from orchard.runtime.sessions import MemberSession
from tests.support.products import TestSku, load_products
from tests.support.races import errors, race, values
from tests.support.trolley import APPLES, PEARS, Trolley


def quantities(trolley: Trolley) -> dict[str, int]:
    cart = trolley.show()
    return {line["sku_id"]: line["quantity"] for line in cart["lines"] + cart["invalid_lines"]}


def test_adding_makes_a_line_and_tells_what_the_badge_shows(trolley: Trolley) -> None:
    trolley.added("apple-5", 2)
    answer = trolley.add("pear", 3)
    assert answer.status == 201
    line_id = answer.json.pop("line_id")
    assert answer.json == {"sku_id": str(trolley.skus["pear"]), "quantity": 3, "line_count": 2, "unit_count": 5}
    assert trolley.show()["lines"][0]["line_id"] == line_id


def test_adding_the_same_sku_merges_selects_it_and_takes_the_price_of_now(db: Connection, trolley: Trolley) -> None:
    line_id = trolley.added("pear", 2)
    trolley.change(line_id, {"selected": False})
    load_products(db, {"pears": [TestSku("pear", 1200)]})
    answer = trolley.add("pear", 1)
    assert (answer.json["line_id"], answer.json["quantity"], answer.json["line_count"]) == (line_id, 3, 1)
    (line,) = trolley.show()["lines"]
    assert (line["selected"], line["added_price_fen"]) == (True, 1200)


def test_one_key_adds_once(trolley: Trolley) -> None:
    body = {"sku_id": str(trolley.skus["pear"]), "quantity": 2}
    first, again = (
        trolley.call("cart/cart_lines", "POST", "/cart/lines", token=trolley.token, body=body, key="key-0001")
        for _ in range(2)
    )
    assert (first.status, first.text) == (again.status, again.text)
    other = trolley.call(
        "cart/cart_lines", "POST", "/cart/lines", token=trolley.token, body={**body, "quantity": 1}, key="key-0001"
    )
    assert (other.status, other.code) == (409, "idempotency_key_reused")
    assert quantities(trolley) == {body["sku_id"]: 2}


BAD_QUANTITIES = [0, -1, 1.5, "1", True, None, 1000, 2**31, 2**63, 1.0]


@pytest.mark.parametrize("quantity", BAD_QUANTITIES)
def test_what_is_no_quantity_is_refused(trolley: Trolley, quantity: Any) -> None:
    answer = trolley.add("pear", quantity)
    assert (answer.status, answer.code) == (422, "invalid_input")
    assert quantities(trolley) == {}


def test_a_number_of_four_hundred_digits_is_refused(trolley: Trolley) -> None:
    body = json.dumps({"sku_id": str(trolley.skus["pear"]), "quantity": 1}).replace(": 1}", f": 1{'0' * 400}}}")
    answer = trolley.call("cart/cart_lines", "POST", "/cart/lines", token=trolley.token, body=body)
    assert 400 <= answer.status < 500
    assert quantities(trolley) == {}


@pytest.mark.parametrize("field", ["price_fen", "payable_fen", "discount_fen", "freight_fen", "member_id", "role"])
def test_a_price_or_an_owner_cannot_be_smuggled_in(trolley: Trolley, field: str) -> None:
    answer = trolley.add("pear", 1, **{field: 1})
    assert answer.status == 422
    assert quantities(trolley) == {}


def test_an_unknown_sku_is_not_found(trolley: Trolley) -> None:
    answer = trolley.add(str(new_id()))
    assert (answer.status, answer.code) == (404, "not_found")


def test_a_sku_off_sale_is_refused(db: Connection, trolley: Trolley) -> None:
    load_products(db, {"pears": PEARS}, on_sale=False)
    answer = trolley.add("pear")
    assert (answer.status, answer.code, answer.json["sku_id"]) == (409, "sku_off_sale", str(trolley.skus["pear"]))


def test_more_than_the_stock_is_refused_with_what_there_is(trolley: Trolley) -> None:
    trolley.added("pear", 4)
    answer = trolley.add("pear", 2)
    assert (answer.status, answer.code) == (409, "out_of_stock")
    assert answer.json["lines"] == [{"sku_id": str(trolley.skus["pear"]), "available": 5}]
    assert quantities(trolley) == {str(trolley.skus["pear"]): 4}


def test_more_than_999_of_one_is_refused(db: Connection, trolley: Trolley) -> None:
    sku_id = trolley.skus["pear"]
    db.run(lambda tx: inventory.adjust(tx, sku_id, MAIN_LOCATION, 2000, AdjustReason.RECEIVE, "truck"))
    trolley.added("pear", 998)
    answer = trolley.add("pear", 2)
    assert (answer.status, answer.code, answer.json["maximum"]) == (409, "too_many_of_one", 999)
    assert trolley.add("pear", 1).json["quantity"] == 999


def test_adding_takes_five_round_trips(db: Connection, trolley: Trolley) -> None:
    trolley.added("pear")
    db.round_trips = 0
    trolley.added("apple-5")
    # Session; key; cart, SKU and stock together; the line; COMMIT with the answer.
    assert db.round_trips == 5


def _add(connection: Connection, member_id: int, sku_id: int, quantity: int) -> None:
    member, draft = MemberSession(member_id, 0), LineDraft(sku_id=sku_id, quantity=quantity)
    connection.run(lambda tx: service.add_line(tx, member, draft))


def test_the_hundredth_line_is_the_last_even_when_many_are_added_at_once(db: Connection, trolley: Trolley) -> None:
    products = {f"many-{p}": [TestSku(f"many-{p}-{n}", 100, 1) for n in range(35)] for p in range(4)}
    skus = load_products(db, products)
    outcomes = race(list(skus.values()), lambda connection, sku_id: _add(connection, trolley.member_id, sku_id, 1))
    assert len(values(outcomes)) == MAX_LINES
    assert all(isinstance(error, CartFull) for error in errors(outcomes))
    assert len(quantities(trolley)) == MAX_LINES
    full = trolley.add("pear")
    assert (full.status, full.code, full.json["maximum"]) == (409, "cart_full", MAX_LINES)
    # A SKU that stands in the cart needs no room.
    held = trolley.show()["lines"][0]
    db.run(lambda tx: inventory.adjust(tx, int(held["sku_id"]), MAIN_LOCATION, 5, AdjustReason.RECEIVE, "more"))
    assert trolley.add(held["sku_id"]).status == 201


def test_units_added_at_once_all_count_and_stop_at_999(db: Connection, trolley: Trolley) -> None:
    sku_id = trolley.skus["pear"]
    db.run(lambda tx: inventory.adjust(tx, sku_id, MAIN_LOCATION, 2000, AdjustReason.RECEIVE, "truck"))
    outcomes = race(range(120), lambda connection, _: _add(connection, trolley.member_id, sku_id, 10))
    assert len(values(outcomes)) == 99
    assert all(isinstance(error, TooManyOfOne) for error in errors(outcomes))
    assert quantities(trolley) == {str(sku_id): 990}


def test_selecting_several_lines_answers_the_cart(trolley: Trolley) -> None:
    small, big, pear = (trolley.added(sku) for sku in ("apple-5", "apple-10", "pear"))
    answer = trolley.select({"line_ids": [small, pear, small], "selected": False})
    assert answer.status == 200
    assert answer.json == trolley.show()
    assert {line["line_id"]: line["selected"] for line in answer.json["lines"]} == {
        small: False, big: True, pear: False,
    }  # fmt: skip
    assert answer.json["totals"]["goods_fen"] == APPLES[1].price_fen
    answer = trolley.select({"all": True, "selected": True})
    assert answer.json["totals"]["line_count"] == 3


def test_selecting_needs_every_line_to_be_the_members_own(trolley: Trolley, stranger: Trolley) -> None:
    own, foreign = trolley.added("pear"), stranger.added("pear")
    refused = trolley.select({"line_ids": [own, foreign], "selected": False})
    missing = trolley.select({"line_ids": [own, str(new_id())], "selected": False})
    assert (refused.status, refused.code) == (missing.status, missing.code) == (404, "not_found")
    assert [cart["lines"][0]["selected"] for cart in (trolley.show(), stranger.show())] == [True, True]


def test_selecting_all_touches_only_the_members_own_lines(trolley: Trolley, stranger: Trolley) -> None:
    trolley.added("pear")
    stranger.added("pear")
    assert trolley.select({"all": True, "selected": False}).json["lines"][0]["selected"] is False
    assert stranger.show()["lines"][0]["selected"] is True


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"selected": True},
        {"line_ids": [], "selected": True},
        {"line_ids": ["1"], "all": True, "selected": True},
        {"line_ids": [str(n) for n in range(1, 102)], "selected": True},
        {"line_ids": [str(n) for n in range(1, 10_002)], "selected": True},
        {"line_ids": ["x"], "selected": True},
        {"line_ids": ["1"], "selected": "true"},
        {"line_ids": ["1"], "selected": 1},
        {"all": True, "selected": None},
        {"all": True, "selected": True, "member_id": "1"},
        [],
    ],
)
def test_a_selection_that_says_nothing_sensible_is_refused(trolley: Trolley, body: Any) -> None:
    trolley.added("pear")
    assert trolley.select(body).status == 422
    assert trolley.show()["lines"][0]["selected"] is True


def test_selecting_takes_four_round_trips(db: Connection, trolley: Trolley) -> None:
    trolley.added("pear")
    trolley.added("apple-5")
    trolley.show()
    db.round_trips = 0
    trolley.select({"all": True, "selected": False})
    # Session; change and lines together; SKUs, stock and freight version together; COMMIT.
    assert db.round_trips == 4
