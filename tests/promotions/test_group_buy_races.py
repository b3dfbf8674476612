"""Races for seats at 64 connections, with real notifications, on servers that refuse lost updates and that do not."""

import random
from collections import Counter
from typing import Any

import pytest

from orchard.group_buy.models import SeatConflict
from orchard.orders.models import OrderStateConflict
from orchard.orders.schemas.placing import OrderDraft, QuoteRequest
from orchard.orders.service import place as placing
from orchard.orders.service import quote as quoting
from orchard.orders.service import transitions
from orchard.runtime.database import Connection, Tx, connection
from orchard.runtime.jobs import TimeLeft
from orchard.workflows import notifications
from orchard.workflows.settle_group_buys import settle_group_buys
from tests.support import database
from tests.support.group_buys import GroupBuys
from tests.support.notices import Notice, Platform
from tests.support.races import errors, race, values
from tests.support.till import Buyer, Till

PLACING_REFUSALS = {placing.QuoteChanged, placing.OrderNotPlaceable}


@pytest.fixture
def db(server: tuple[list[str], Any]) -> Connection:
    names, seeds = server
    database.empty(connection, names, seeds)
    return connection


def _place(link: Connection, buyer: Buyer, body: dict[str, Any]) -> str:
    request = QuoteRequest.model_validate(body)
    digest = link.run(lambda tx: quoting.quote_order(tx, buyer.session, request)).digest
    draft = OrderDraft.model_validate({**body, "quote_digest": digest})
    return link.run(lambda tx: placing.place_order(tx, buyer.session, draft)).order_number


def test_sixty_four_members_want_two_seats(group_buys: GroupBuys, till: Till) -> None:
    activity_id = group_buys.offer(size=3)
    group_id, _ = group_buys.opened(activity_id)
    body = group_buys.body(activity_id, group_id)
    outcomes = race([till.buyer() for _ in range(64)], lambda link, buyer: _place(link, buyer, body))
    assert len(values(outcomes)) == 2
    assert {type(error) for error in errors(outcomes)} <= PLACING_REFUSALS
    assert group_buys.taken(activity_id) == 3
    assert till.shop.available(group_buys.goods) == 997


def test_one_member_at_sixty_four_doors_opens_one_group(group_buys: GroupBuys, till: Till) -> None:
    activity_id, buyer = group_buys.offer(), till.buyer()
    body = group_buys.body(activity_id)
    outcomes = race(range(64), lambda link, _: _place(link, buyer, body))
    assert len(values(outcomes)) == 1
    assert {type(error) for error in errors(outcomes)} <= PLACING_REFUSALS
    assert (group_buys.taken(activity_id), len(till.rows("SELECT id FROM group_buy_group"))) == (1, 1)


def test_an_activitys_stock_is_sold_exactly(group_buys: GroupBuys, till: Till) -> None:
    activity_id = group_buys.offer(quota=10)
    body = group_buys.body(activity_id)
    outcomes = race([till.buyer() for _ in range(64)], lambda link, buyer: _place(link, buyer, body))
    assert len(values(outcomes)) == 10
    assert {type(error) for error in errors(outcomes)} <= PLACING_REFUSALS
    assert group_buys.taken(activity_id) == 10


def _many_for_one_seat(group_buys: GroupBuys, platform: Platform, activity_id: int, group_id: int) -> list[Notice]:
    """Sixteen payers for one seat: each let the time to pay pass, so that the next one could have it."""
    till, notices = group_buys.till, []
    for _ in range(16):
        buyer = till.buyer()
        number = group_buys.order(buyer, activity_id, group_id)
        till.take_money(buyer, number)
        group_buys.lapse(number)
        notices.append(number)
    ledger = till.sandbox.ledger()
    return [platform.told(ledger, number) for number in notices]


def _deliver(link: Connection, notice: Notice) -> None:
    notifications.accept_payment(link, notice.call)


def test_the_last_seat_paid_by_many_goes_to_one_and_the_others_have_their_money(
    group_buys: GroupBuys, till: Till, platform: Platform
) -> None:
    activity_id = group_buys.offer()
    group_id, first = group_buys.opened(activity_id)
    told = _many_for_one_seat(group_buys, platform, activity_id, group_id)
    shuffled = told * 4
    random.Random(3).shuffle(shuffled)
    assert errors(race(shuffled, _deliver)) == []
    states = Counter(row["state"] for row in till.rows("SELECT state FROM orders"))
    assert states == {"TO_SHIP": 2, "REFUNDING": 15}
    assert (till.state(first), group_buys.state(group_id)) == ("TO_SHIP", "SUCCESS")
    group_buys.refund()
    states = Counter(row["state"] for row in till.rows("SELECT state FROM orders"))
    assert states == {"TO_SHIP": 2, "REFUNDED": 15}
    assert till.shop.available(group_buys.goods) == 998


def test_payers_who_may_move_fill_other_groups_and_none_too_full(
    group_buys: GroupBuys, till: Till, platform: Platform
) -> None:
    activity_id = group_buys.offer(size=3, moves_payers=True)
    groups = [group_buys.opened(activity_id)[0] for _ in range(4)]
    told = _many_for_one_seat(group_buys, platform, activity_id, groups[0])
    assert errors(race(told * 2, _deliver)) == []
    # Eight seats were free in all.
    assert {group_buys.state(group_id) for group_id in groups} == {"SUCCESS"}
    states = Counter(row["state"] for row in till.rows("SELECT state FROM orders"))
    assert states == {"TO_SHIP": 12, "REFUNDING": 8}
    group_buys.refund()


def test_paying_closing_and_the_deadline_at_once_settle_each_seat_once(
    group_buys: GroupBuys, till: Till, platform: Platform
) -> None:
    activity_id = group_buys.offer(size=2)
    groups = [group_buys.opened(activity_id)[0] for _ in range(12)]
    told, unpaid = [], [group_buys.order(till.buyer(), activity_id) for _ in range(12)]
    for group_id in groups:
        buyer = till.buyer()
        told.append(group_buys.order(buyer, activity_id, group_id))
        till.take_money(buyer, told[-1])
    ledger = till.sandbox.ledger()
    notices = [platform.told(ledger, number) for number in told]
    for group_id in groups[::2]:
        group_buys.let_pass(group_id)

    def act(link: Connection, what: Any) -> None:
        if isinstance(what, Notice):
            _deliver(link, what)
        elif isinstance(what, str):
            link.run(lambda tx: _close(tx, what))
        else:
            settle_group_buys(link, TimeLeft(None))

    attempts: list[Any] = [*notices * 2, *unpaid * 2, *[None] * 8]
    random.Random(5).shuffle(attempts)
    assert {type(error) for error in errors(race(attempts, act))} <= {OrderStateConflict, SeatConflict}
    group_buys.settle()
    group_buys.refund()
    states = Counter(row["state"] for row in till.rows("SELECT state FROM orders"))
    assert states == {"TO_SHIP": 12, "REFUNDED": 12, "CLOSED": 12}
    assert group_buys.taken(activity_id) == 12


def _close(tx: Tx, number: str) -> None:
    order = transitions.locked_order(tx, number)
    assert order is not None
    transitions.close(tx, [order], "cancelled")
