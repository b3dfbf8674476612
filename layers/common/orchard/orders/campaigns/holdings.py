"""What campaigns hold for an order, from the day it is placed: confirmed by payment, released by closing, given back by
a full refund.

Callers hold the order's lock, so what is held for it cannot move under them.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from orchard.coupons import service as coupons
from orchard.group_buy import service as group_buy
from orchard.orders.campaigns import grouping
from orchard.orders.campaigns.route import Route
from orchard.orders.models import OrderState
from orchard.runtime.database import Result, Row, Statement, Tx

Move = Callable[[list[Row]], list[Statement]]


class Payable(NamedTuple):
    """Whether an order may still be paid: `seen(order_id)` reads plainly, `check` raises the campaign's own Conflict.

    Nothing is locked, so `route` or `confirm` must still cope with money that comes too late.
    """

    seen: Callable[[int], Statement]
    check: Callable[[Tx, list[Row]], None]


class Holding(NamedTuple):
    """One kind of thing that orders hold.

    `held(order_ids)` finds it by its unique key on the order and travels in a packet that is sent anyway; a campaign
    that must decide at payment reads its shared row there FOR UPDATE. No rows: the orders hold nothing of the kind,
    and the moves answer with no statements. Several orders are only ever closed together: `release` takes the rows of
    all, the others those of one. Every statement of a move names the state and version it starts from and
    how many rows it must change. A campaign that decides where a paid order goes has a `route` instead of `confirm`;
    it may read more, and answers None for an order that holds nothing of its kind. One that can be lost before it is
    paid says so with `payable`.
    """

    name: str
    held: Callable[[Sequence[int]], Statement]
    confirm: Move
    release: Move
    give_back: Move
    route: Callable[[Tx, list[Row]], Route | None] | None = None
    payable: Payable | None = None


def _nothing(rows: list[Row]) -> list[Statement]:
    return []


# In the global lock order, like CAMPAIGNS.
HOLDINGS: tuple[Holding, ...] = (
    Holding("coupon", coupons.held, coupons.confirm, coupons.release, coupons.give_back),
    Holding(
        "group_buy", group_buy.held, _nothing, group_buy.release, group_buy.give_back, grouping.route,
        Payable(group_buy.seen, group_buy.check_payable),
    ),
)  # fmt: skip
# Where an order goes from PAID when no campaign says otherwise.
_ORDINARY = Route((OrderState.TO_SHIP,), ())

Held = dict[str, list[Row]]


def held_statements(order_ids: Sequence[int]) -> list[Statement]:
    """The reads of all holdings, to be sent in one packet; `held` understands their results."""
    return [holding.held(order_ids) for holding in HOLDINGS]


def held(results: Sequence[Result]) -> Held:
    """Rows by holding."""
    return {holding.name: result.rows for holding, result in zip(HOLDINGS, results, strict=True)}


def check_payable(tx: Tx, order_id: int) -> None:
    """Before money is asked for: raises the Conflict of a campaign that could only send it back; one round trip."""
    asked = [holding.payable for holding in HOLDINGS if holding.payable is not None]
    results = tx.packet([payable.seen(order_id) for payable in asked])
    for payable, result in zip(asked, results, strict=True):
        payable.check(tx, result.rows)


def confirm(tx: Tx, rows: Held) -> Route:
    """The order was paid: what becomes of what it holds, and where it goes from PAID."""
    kept = [statement for holding in HOLDINGS for statement in holding.confirm(rows[holding.name])]
    routes = [holding.route(tx, rows[holding.name]) for holding in HOLDINGS if holding.route is not None]
    chosen = next((route for route in routes if route is not None), _ORDINARY)
    return Route(chosen.path, [*kept, *chosen.statements])


def release(rows: Held) -> list[Statement]:
    """The orders were closed unpaid."""
    return [statement for holding in HOLDINGS for statement in holding.release(rows[holding.name])]


def give_back(rows: Held) -> list[Statement]:
    """Every fen of the order went back."""
    return [statement for holding in HOLDINGS for statement in holding.give_back(rows[holding.name])]
