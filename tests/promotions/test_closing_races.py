"""Closing many orders at once against everybody who wants one of them, on servers of either isolation."""

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from orchard.audit import invariants
from orchard.orders.models import OrderStateConflict
from orchard.orders.service import transitions
from orchard.payments.models import PaymentInProgress
from orchard.runtime.database import Connection, Statement, Tx, connection
from orchard.runtime.jobs import TimeLeft
from orchard.workflows import close_order, notifications
from orchard.workflows.close_order import close_unpaid_orders
from tests.support import database
from tests.support import shop as shopping
from tests.support.coupons import Coupons
from tests.support.group_buys import GroupBuys
from tests.support.notices import Notice, Platform
from tests.support.races import errors, race
from tests.support.shop import Shop, Shoppers
from tests.support.till import Till

MANY = 24


@pytest.fixture
def db(server: tuple[list[str], Any]) -> Iterator[Connection]:
    names, seeds = server
    database.empty(connection, names, seeds)
    yield connection
    found = invariants.check(connection, settled=False)
    # In the last of the races orders are paid without money.
    assert [str(violation) for violation in found if not violation.code.startswith(("M", "X1", "X2"))] == []


def _lapse(db: Connection) -> None:
    sql = "UPDATE orders SET expires_at = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND WHERE state = 'PENDING_PAY'"
    db.run(lambda tx: tx.execute(Statement(sql)))


def _states(db: Connection) -> Counter[str]:
    return Counter(row["state"] for row in db.run(lambda tx: tx.rows("SELECT state FROM orders")))


def test_batches_and_cancelling_members_release_each_coupon_and_unit_once(
    coupons: Coupons, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(close_order, "_BATCH", 7)
    goods = [till.shop.sell(price_fen=2000 + n, stock=100) for n in range(3)]
    budgets = [coupons.offer(budget_fen=10**6, amount_fen=300 + n) for n in range(3)]
    store_id, orders = str(till.shop.open_store()), []
    for number in range(MANY):
        buyer = till.buyer()
        coupon_id = coupons.claimed(buyer.token, budgets[number % 3])
        wish = shopping.wish(goods[-1 - number % 3], 2, method="pickup", store_id=store_id)
        orders.append((buyer, shopping.place(buyer.token, {**wish, "coupon_id": coupon_id}).json["order_number"]))
    _lapse(till.db)

    def act(link: Connection, order: Any) -> None:
        if order is None:
            close_unpaid_orders(link, TimeLeft(None))
        else:
            close_order.cancel_order(link, order[0].session, order[1])

    attempts: list[Any] = [*orders, *[None] * 12]
    random.Random(3).shuffle(attempts)
    assert errors(race(attempts, act, connections=16)) == []
    assert _states(till.db) == {"CLOSED": MANY}
    assert [coupons.template(template_id)["budget_spent_fen"] for template_id in budgets] == [0, 0, 0]
    assert [till.shop.available(one) for one in goods] == [100] * 3
    assert till.rows("SELECT COUNT(*) AS n FROM outbox WHERE topic = 'order.closed'") == [{"n": MANY}]


def test_batches_against_payers_of_seats_leave_every_order_paid_or_closed(
    group_buys: GroupBuys, till: Till, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(close_order, "_BATCH", 9)
    activity_id = group_buys.offer(size=3, moves_payers=True)
    groups = [group_buys.opened(activity_id)[0] for _ in range(12)]
    paying, told = [], []
    for number in range(MANY):
        buyer = till.buyer()
        order = group_buys.order(buyer, activity_id, groups[number // 2] if number % 2 else None)
        if number % 4 == 1:
            till.take_money(buyer, order)
            told.append(order)
        else:
            paying.append((buyer, order))
    notices = [platform.told(till.sandbox.ledger(), order) for order in told]
    _lapse(till.db)

    def act(link: Connection, what: Any) -> None:
        if isinstance(what, Notice):
            notifications.accept_payment(link, what.call)
        elif what is None:
            close_unpaid_orders(link, TimeLeft(None))
        else:
            close_order.cancel_order(link, what[0].session, what[1])

    attempts: list[Any] = [*notices * 2, *paying, *[None] * 12]
    random.Random(4).shuffle(attempts)
    # A batch that meets a payer asks WeChat Pay about the order, as a cancelling member does; neither may see half.
    assert {type(error) for error in errors(race(attempts, act, connections=16))} <= {PaymentInProgress}
    close_unpaid_orders(till.db, TimeLeft(None))
    group_buys.settle()
    group_buys.refund()
    states = _states(till.db)
    assert states["CLOSED"] == MANY - len(told)
    assert states["PENDING_PAY"] == 0


def test_an_order_paid_behind_the_batchs_back_is_not_closed(shop: Shop, shopper: Shoppers, db: Connection) -> None:
    goods = shop.sell(stock=100)
    wish = shopping.wish(goods, method="pickup", store_id=str(shop.open_store()))
    numbers = [str(shopping.place(shopper().token, wish).json["order_number"]) for _ in range(MANY)]
    _lapse(db)

    def act(link: Connection, number: str | None) -> None:
        if number is None:
            close_unpaid_orders(link, TimeLeft(None))
        else:
            link.run(lambda tx: _pay(tx, number))

    attempts: list[str | None] = [*numbers, *[None] * 6]
    outcomes = race(attempts, act, connections=16)
    assert {type(error) for error in errors(outcomes)} <= {OrderStateConflict}
    paid = {outcome.attempt for outcome in outcomes if outcome.error is None} - {None}
    assert _states(db) == Counter({"TO_SHIP": len(paid), "CLOSED": MANY - len(paid)})
    assert shop.available(goods) == 100 - len(paid)


def _pay(tx: Tx, number: str) -> None:
    order = transitions.locked_order(tx, number)
    assert order is not None
    transitions.record_payment(tx, order)
