"""Hundreds of groups at once: late, doubled and reordered notifications, deadlines in between, and not a fen astray.

`ORCHARD_STORM_GROUPS` sets the size: 500 is 500 groups of three with 1,700 payers; the default is a tenth of it.
"""

import os
import random
from collections import Counter
from typing import Any

import pytest

from orchard.audit import invariants
from orchard.runtime.database import Connection
from orchard.runtime.jobs import TimeLeft
from orchard.workflows import notifications, pay_order
from orchard.workflows.send_refunds import send_refund
from orchard.workflows.settle_group_buys import settle_group_buys
from tests.promotions.test_group_buy_races import _place, db
from tests.support import books
from tests.support.group_buys import GroupBuys
from tests.support.notices import Notice, Platform
from tests.support.races import errors, race
from tests.support.till import Buyer, Till

__all__ = ["db"]

# The storm is long: it runs where nothing but our own locks stands in the way of a lost update.
pytestmark = pytest.mark.parametrize("server", ["OFF"], indirect=True)
GROUPS = int(os.environ.get("ORCHARD_STORM_GROUPS", "50"))
PAYERS = GROUPS * 17 // 5
Order = tuple[Buyer, str]


class Storm:
    """The payers of one run."""

    def __init__(self, group_buys: GroupBuys, platform: Platform, activities: list[int]) -> None:
        self.group_buys, self.till, self.platform, self.activities = group_buys, group_buys.till, platform, activities
        self.chance = random.Random(11)
        self.sheets: dict[str, dict[str, Any]] = {}

    def orders(self, wanted: list[tuple[int, int | None]]) -> list[Order]:
        """Place an order for each (activity, group), at 64 connections; every one must be placed."""

        def order(link: Connection, one: tuple[Buyer, int, int | None]) -> Order:
            buyer, activity_id, group_id = one
            return buyer, _place(link, buyer, self.group_buys.body(activity_id, group_id))

        outcomes = race([(self.till.buyer(), *one) for one in wanted], order)
        assert errors(outcomes) == []
        return [outcome.value for outcome in outcomes if outcome.value is not None]

    def open_sheets(self, orders: list[Order]) -> None:
        """Everybody gets as far as the payment sheet, while the shop still lets them."""

        def ask(link: Connection, order: Order) -> None:
            sheet = pay_order.pay_order(link, order[0].session, order[1])
            assert sheet.parameters is not None
            self.sheets[order[1]] = sheet.parameters.model_dump(by_alias=True)

        assert errors(race(orders, ask, connections=8)) == []

    def take_money(self, orders: list[Order]) -> None:
        """Everybody pays in WeChat; nothing is told yet."""
        self.open_sheets([order for order in orders if order[1] not in self.sheets])

        def pay(link: Connection, order: Order) -> None:
            self.till.sandbox.confirm_payment(self.sheets[order[1]])

        assert errors(race(orders, pay, connections=8)) == []

    def notices(self, orders: list[Order]) -> list[Notice]:
        """One to three copies of each payment's notification, in no order."""
        ledger = self.till.sandbox.ledger()
        told = [self.platform.told(ledger, number) for _, number in orders]
        copies = [notice for notice in told for _ in range(self.chance.randint(1, 3))]
        self.chance.shuffle(copies)
        return copies

    def act(self, link: Connection, what: Any) -> None:
        """Deliver a notification, or run the sweep."""
        if isinstance(what, Notice):
            notifications.accept_payment(link, what.call)
        else:
            settle_group_buys(link, TimeLeft(None))

    def deliver(self, orders: list[Order], sweeps: int = 0) -> None:
        """Deliver all at 64 connections, with sweeps in between."""
        attempts: list[Any] = [*self.notices(orders), *[None] * sweeps]
        self.chance.shuffle(attempts)
        assert errors(race(attempts, self.act)) == []


@pytest.fixture
def storm(group_buys: GroupBuys, platform: Platform) -> Storm:
    activities = [group_buys.offer(size=3, moves_payers=moves, quota=100_000) for moves in (True, False)]
    group_buys.till.change("UPDATE stock SET on_hand = 100000")
    group_buys.till.change("UPDATE stock_ledger SET delta_on_hand = 100000 WHERE kind = 'OPENING'")
    return Storm(group_buys, platform, activities)


def test_every_group_is_legal_and_both_ledgers_agree(storm: Storm, till: Till) -> None:
    group_buys = storm.group_buys
    leaders = storm.orders([(storm.activities[n % 2], None) for n in range(GROUPS)])
    storm.take_money(leaders)
    storm.deliver(leaders)
    groups = till.rows("SELECT id, activity_id FROM group_buy_group ORDER BY id")
    # One or two more for each group; some let the time to pay pass, and others take their seats.
    joins = [(row["activity_id"], row["id"]) for n, row in enumerate(groups) for _ in range(1 if n % 5 < 2 else 2)]
    first = storm.orders(joins)
    late = storm.chance.sample(first, PAYERS + GROUPS // 20 - GROUPS - len(first))
    storm.open_sheets(late)
    for _, number in late:
        group_buys.lapse(number)
    taken = {number: group_buys.seat(number) for _, number in late}
    second = storm.orders([(seat["activity_id"], seat["group_id"]) for seat in taken.values()])
    payers = storm.chance.sample([*first, *second], PAYERS - GROUPS)
    storm.take_money(payers)
    # For some groups the deadline comes before the news of the money does.
    for row in groups[:: max(1, GROUPS // 25)]:
        group_buys.let_pass(row["id"])
    storm.deliver(payers, sweeps=8)
    for row in till.rows("SELECT id FROM group_buy_group WHERE state = 'OPEN'"):
        group_buys.let_pass(row["id"])
    assert errors(race([None] * 4, storm.act)) == []
    _refund_everything(storm)
    _check(storm, till, [*leaders, *payers])


def _refund_everything(storm: Storm) -> None:
    due = [row["id"] for row in storm.till.rows("SELECT id FROM refund WHERE state = 'CREATED'")]
    assert errors(race(due, send_refund, connections=8)) == []
    for _ in range(2):
        storm.till.sandbox.deliver_notifications()
        storm.till.sweep()


def _check(storm: Storm, till: Till, paid: list[Order]) -> None:
    states = Counter(till.state(number) for _, number in paid)
    assert states.keys() == {"TO_SHIP", "REFUNDED"}
    assert sum(states.values()) == len(paid)
    ended = Counter(row["state"] for row in till.rows("SELECT state FROM group_buy_group"))
    assert ended.keys() == {"SUCCESS", "FAILED"}
    assert states["TO_SHIP"] == 3 * ended["SUCCESS"]
    # Each of these was seen, or the storm was none.
    seats = Counter(row["state"] for row in till.rows("SELECT state FROM group_buy_member"))
    assert all(seats[state] for state in ("SUCCESS", "REFUNDED", "MOVED"))
    books.assert_agree(till.db, till.sandbox.ledger())
    broken = [one for one in invariants.check(till.db) if one.code.startswith(("G", "M", "S", "T", "X"))]
    assert [str(one) for one in broken] == []
    print(f"{len(paid)} payers, {dict(ended)}, seats {dict(seats)}")
