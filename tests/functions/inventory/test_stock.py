"""Stock on the real database: one guarded UPDATE, a ledger that always balances, every refusal typed."""

import json
from collections.abc import Callable, Sequence

import pymysql
import pytest

from orchard.inventory import service
from orchard.inventory.models import (
    MAIN_LOCATION,
    AdjustmentKeyReused,
    AdjustReason,
    BelowReserved,
    OutOfStock,
    StockLine,
    StockLineNotOpen,
    StockLineReserved,
    StockNotKept,
)
from orchard.runtime.database import Connection, Statement
from tests.support.stock import assert_ledger_balances, levels

APPLE, PEAR = 11, 12


def line(line_id: int, sku_id: int, quantity: int, location_id: int = MAIN_LOCATION) -> StockLine:
    return StockLine(line_id, sku_id, quantity, location_id)


@pytest.fixture(autouse=True)
def stocked(db: Connection) -> None:
    db.run(lambda tx: service.set_opening(tx, [(PEAR, 5), (APPLE, 10)]))


def send(db: Connection, statements: list[Statement]) -> None:
    db.run(lambda tx: tx.packet(statements))


def test_reserve_then_deduct_takes_the_goods_off_the_shelf(db: Connection) -> None:
    lines = [line(1, PEAR, 2), line(2, APPLE, 3), line(3, APPLE, 1)]
    send(db, service.reserve(900, lines))
    assert levels(db) == {APPLE: (10, 4), PEAR: (5, 2)}
    send(db, service.deduct([900], lines))
    assert levels(db) == {APPLE: (6, 0), PEAR: (3, 0)}
    assert_ledger_balances(db)


def test_reserve_then_release_leaves_all_as_it_was(db: Connection) -> None:
    lines = [line(1, PEAR, 2), line(2, APPLE, 3)]
    send(db, service.reserve(900, lines))
    send(db, service.release([900], lines))
    assert levels(db) == {APPLE: (10, 0), PEAR: (5, 0)}
    assert_ledger_balances(db)


def test_what_was_deducted_and_never_shipped_is_taken_back_once(db: Connection) -> None:
    lines = [line(1, PEAR, 2), line(2, APPLE, 3)]
    send(db, service.reserve(900, lines))
    with pytest.raises(StockLineNotOpen):
        send(db, service.take_back(900, lines))
    send(db, service.deduct([900], lines))
    for order_id, wrong in ((901, lines), (900, [line(1, PEAR, 1)])):
        with pytest.raises(StockLineNotOpen):
            send(db, service.take_back(order_id, wrong))
    send(db, service.take_back(900, lines))
    with pytest.raises(StockLineNotOpen):
        send(db, service.take_back(900, lines))
    assert levels(db) == {APPLE: (10, 0), PEAR: (5, 0)}
    assert_ledger_balances(db)


def test_one_short_line_reserves_nothing(db: Connection) -> None:
    with pytest.raises(OutOfStock):
        send(db, service.reserve(900, [line(1, APPLE, 1), line(2, PEAR, 6)]))
    assert levels(db) == {APPLE: (10, 0), PEAR: (5, 0)}
    assert_ledger_balances(db)


def test_a_missing_stock_row_refuses_like_a_short_one(db: Connection) -> None:
    with pytest.raises(OutOfStock):
        send(db, service.reserve(900, [line(1, APPLE, 1), line(2, 999, 1)]))
    with pytest.raises(OutOfStock):
        send(db, service.reserve(901, [line(3, APPLE, 1, location_id=2)]))
    assert levels(db)[APPLE] == (10, 0)


def test_lines_of_one_sku_are_summed_before_the_check(db: Connection) -> None:
    with pytest.raises(OutOfStock):
        send(db, service.reserve(900, [line(1, PEAR, 3), line(2, PEAR, 3)]))
    send(db, service.reserve(901, [line(3, PEAR, 3), line(4, PEAR, 2)]))
    assert levels(db)[PEAR] == (5, 5)


def test_a_line_is_reserved_once(db: Connection) -> None:
    send(db, service.reserve(900, [line(1, APPLE, 1)]))
    with pytest.raises(StockLineReserved):
        send(db, service.reserve(900, [line(1, APPLE, 1)]))
    assert levels(db)[APPLE] == (10, 1)


SETTLEMENTS = [service.release, service.deduct]


@pytest.mark.parametrize("first", SETTLEMENTS)
@pytest.mark.parametrize("second", SETTLEMENTS)
def test_a_line_is_settled_once(
    db: Connection,
    first: Callable[[Sequence[int], list[StockLine]], list[Statement]],
    second: Callable[[Sequence[int], list[StockLine]], list[Statement]],
) -> None:
    # Another order's reservation of the same SKU must not pay for a second settlement.
    send(db, service.reserve(900, [line(1, APPLE, 3)]))
    send(db, service.reserve(901, [line(2, APPLE, 4)]))
    send(db, first([900], [line(1, APPLE, 3)]))
    after = levels(db)
    with pytest.raises(StockLineNotOpen):
        send(db, second([900], [line(1, APPLE, 3)]))
    assert levels(db) == after
    assert_ledger_balances(db)


@pytest.mark.parametrize(
    ("order_id", "wrong"),
    [
        (900, line(1, APPLE, 2)),
        (900, line(1, PEAR, 3)),
        (900, line(9, APPLE, 3)),
        (900, line(1, APPLE, 3, location_id=2)),
        (901, line(1, APPLE, 3)),
    ],
)
def test_only_what_was_reserved_can_be_settled(db: Connection, order_id: int, wrong: StockLine) -> None:
    send(db, service.reserve(900, [line(1, APPLE, 3)]))
    send(db, service.reserve(901, [line(2, PEAR, 4)]))
    for settle in SETTLEMENTS:
        with pytest.raises(StockLineNotOpen):
            send(db, settle([order_id], [wrong]))
    assert levels(db) == {APPLE: (10, 3), PEAR: (5, 4)}


def test_available_counts_what_is_free_over_all_locations(db: Connection) -> None:
    db.run(lambda tx: service.set_opening(tx, [(APPLE, 4)], location_id=2))
    send(db, service.reserve(900, [line(1, APPLE, 3)]))
    db.round_trips = 0
    assert db.run(lambda tx: service.available(tx, [APPLE, PEAR, 999])) == {APPLE: 11, PEAR: 5, 999: 0}
    assert db.round_trips == 1
    rows = db.run(lambda tx: tx.packet([service.stock_statement([APPLE])]))[0].rows
    assert service.read_stock(rows) == {APPLE: {1: 7, 2: 4}}


def test_opening_stock_leaves_known_skus_alone(db: Connection) -> None:
    send(db, service.reserve(900, [line(1, APPLE, 3)]))
    assert db.run(lambda tx: service.set_opening(tx, [(APPLE, 99), (13, 7), (14, 0)])) == 2
    assert levels(db) == {APPLE: (10, 3), PEAR: (5, 0), 13: (7, 0), 14: (0, 0)}
    assert_ledger_balances(db)


def adjust(db: Connection, change: int, key: str, sku_id: int = APPLE, location_id: int = MAIN_LOCATION) -> None:
    db.run(lambda tx: service.adjust(tx, sku_id, location_id, change, AdjustReason.ADJUST, key))


def test_adjust_moves_what_is_on_hand_and_tells_it(db: Connection) -> None:
    adjust(db, -4, "count-1")
    db.run(lambda tx: service.adjust(tx, APPLE, MAIN_LOCATION, 20, AdjustReason.RECEIVE, "delivery-1"))
    assert levels(db)[APPLE] == (26, 0)
    events = db.run(lambda tx: tx.rows("SELECT topic, subject, payload FROM outbox"))
    assert [(e["topic"], e["subject"]) for e in events] == [("stock.adjusted", str(APPLE))] * 2
    assert json.loads(events[0]["payload"]) == {"sku_ids": [str(APPLE)]}
    assert_ledger_balances(db)


def test_adjust_never_goes_below_what_is_reserved(db: Connection) -> None:
    send(db, service.reserve(900, [line(1, APPLE, 6)]))
    adjust(db, -4, "count-1")
    with pytest.raises(BelowReserved) as refused:
        adjust(db, -1, "count-2")
    assert (refused.value.status, levels(db)[APPLE]) == (409, (6, 6))
    with pytest.raises(BelowReserved):
        adjust(db, -100, "count-3")
    assert_ledger_balances(db)


def test_the_same_key_has_one_effect_and_another_change_is_refused(db: Connection) -> None:
    adjust(db, 5, "count-1")
    adjust(db, 5, "count-1")
    assert levels(db)[APPLE] == (15, 0)
    with pytest.raises(AdjustmentKeyReused):
        adjust(db, 6, "count-1")
    with pytest.raises(AdjustmentKeyReused):
        adjust(db, 5, "count-1", sku_id=PEAR)
    assert levels(db) == {APPLE: (15, 0), PEAR: (5, 0)}


@pytest.mark.parametrize("change", [5, -5])
def test_adjust_of_stock_that_is_not_kept_is_refused_whole(db: Connection, change: int) -> None:
    with pytest.raises(StockNotKept):
        adjust(db, change, "count-1", location_id=2)
    assert_ledger_balances(db)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE stock SET reserved = reserved + 11 WHERE sku_id = 11",
        "UPDATE stock SET on_hand = on_hand - 11 WHERE sku_id = 11",
        "UPDATE stock SET reserved = reserved - 1 WHERE sku_id = 11",
    ],
)
def test_the_schema_is_a_second_line_of_defence(db: Connection, sql: str) -> None:
    with pytest.raises(pymysql.MySQLError):
        db.run(lambda tx: tx.execute(Statement(sql)))
    assert levels(db)[APPLE] == (10, 0)
