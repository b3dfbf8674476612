"""Races at 64 connections: never one unit too many, no lasting deadlock, each line settled once."""

import contextlib
from collections.abc import Callable, Sequence

from orchard.inventory import service
from orchard.inventory.models import MAIN_LOCATION, AdjustReason, OutOfStock, StockLine, StockLineNotOpen
from orchard.runtime.database import Connection, Statement
from tests.support.races import errors, race, values
from tests.support.stock import assert_ledger_balances, ledger_counts, levels

APPLE, PEAR = 11, 12
UNITS, ATTEMPTS = 100, 2_000


def _send(connection: Connection, statements: list[Statement]) -> None:
    connection.run(lambda tx: tx.packet(statements))


def _buy(connection: Connection, number: int, *, keep: bool) -> int:
    """One shopper: reserve a unit, then pay or cancel. Returns the units bought."""
    lines = [StockLine(number, APPLE, 1, MAIN_LOCATION)]
    _send(connection, service.reserve(number, lines))
    _send(connection, service.deduct([number], lines) if keep else service.release([number], lines))
    return 1 if keep else 0


def test_two_thousand_shoppers_buy_exactly_a_hundred_units(db: Connection) -> None:
    db.run(lambda tx: service.set_opening(tx, [(APPLE, UNITS)]))
    outcomes = race(range(1, ATTEMPTS + 1), lambda connection, n: _buy(connection, n, keep=n % 3 != 0))
    assert all(isinstance(error, OutOfStock) for error in errors(outcomes))
    cancelled = [outcome for outcome in outcomes if outcome.value == 0]
    assert cancelled
    sold = sum(values(outcomes))
    # A unit cancelled at the very end finds no shopper in the race: one who comes later takes it.
    with contextlib.suppress(OutOfStock):
        for number in range(ATTEMPTS + 1, ATTEMPTS + UNITS + 2):
            sold += _buy(db, number, keep=True)
    assert sold == UNITS
    assert levels(db) == {APPLE: (0, 0)}
    counts = ledger_counts(db)
    assert (counts["DEDUCT"], counts["RELEASE"]) == (UNITS, len(cancelled))
    assert counts["RESERVE"] == counts["DEDUCT"] + counts["RELEASE"]
    assert_ledger_balances(db)


def test_carts_in_opposite_order_leave_no_deadlock(db: Connection) -> None:
    db.run(lambda tx: service.set_opening(tx, [(APPLE, 150), (PEAR, 150)]))

    def take_both(connection: Connection, number: int) -> None:
        first, second = (APPLE, PEAR) if number % 2 else (PEAR, APPLE)
        lines = [StockLine(2 * number, first, 1, MAIN_LOCATION), StockLine(2 * number + 1, second, 1, MAIN_LOCATION)]
        _send(connection, service.reserve(number, lines))

    outcomes = race(range(1, 401), take_both)
    assert len(values(outcomes)) == 150
    assert all(isinstance(error, OutOfStock) for error in errors(outcomes))
    assert levels(db) == {APPLE: (150, 150), PEAR: (150, 150)}
    assert_ledger_balances(db)


def test_cancel_timeout_and_payment_at_once_settle_a_line_once(db: Connection) -> None:
    orders = range(1, 61)
    db.run(lambda tx: service.set_opening(tx, [(APPLE, 60)]))
    for order in orders:
        _send(db, service.reserve(order, [StockLine(order, APPLE, 1, MAIN_LOCATION)]))
    ways: list[Callable[[Sequence[int], list[StockLine]], list[Statement]]] = [
        service.release,
        service.release,
        service.deduct,
    ]
    attempts = [(order, settle) for order in orders for settle in ways]
    outcomes = race(
        attempts, lambda connection, a: _send(connection, a[1]([a[0]], [StockLine(a[0], APPLE, 1, MAIN_LOCATION)]))
    )
    assert len(values(outcomes)) == len(orders)
    assert all(isinstance(error, StockLineNotOpen) for error in errors(outcomes))
    counts = ledger_counts(db)
    assert counts.get("DEDUCT", 0) + counts.get("RELEASE", 0) == len(orders)
    assert levels(db) == {APPLE: (60 - counts.get("DEDUCT", 0), 0)}
    assert_ledger_balances(db)


def test_one_adjustment_sent_many_times_at_once_has_one_effect(db: Connection) -> None:
    db.run(lambda tx: service.set_opening(tx, [(APPLE, 1)]))

    def receive(connection: Connection, _: int) -> None:
        connection.run(lambda tx: service.adjust(tx, APPLE, MAIN_LOCATION, 5, AdjustReason.RECEIVE, "delivery-1"))

    outcomes = race(range(64), receive)
    assert errors(outcomes) == []
    assert levels(db) == {APPLE: (6, 0)}
    assert len(db.run(lambda tx: tx.rows("SELECT id FROM outbox"))) == 1
    assert_ledger_balances(db)
