"""What campaigns hold for an order, from the day it is placed: confirmed by payment, released by closing, given back by
a full refund.

Callers hold the order's lock, so what is held for it cannot move under them.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from orchard.coupons import service as coupons
from orchard.runtime.database import Result, Row, Statement

Move = Callable[[list[Row]], list[Statement]]


class Holding(NamedTuple):
    """One kind of thing that orders hold.

    `held(order_id)` finds it by its unique key on the order and travels in a packet that is sent anyway; a campaign
    that must decide at payment reads its shared row there FOR UPDATE. No rows: the order holds nothing of the kind,
    and the moves answer with no statements. Every statement of a move names the state and version it starts from and
    how many rows it must change.
    """

    name: str
    held: Callable[[int], Statement]
    confirm: Move
    release: Move
    give_back: Move


# In the global lock order, like CAMPAIGNS.
HOLDINGS: tuple[Holding, ...] = (Holding("coupon", coupons.held, coupons.confirm, coupons.release, coupons.give_back),)

Held = dict[str, list[Row]]


def held_statements(order_id: int) -> list[Statement]:
    """The reads of all holdings, to be sent in one packet; `held` understands their results."""
    return [holding.held(order_id) for holding in HOLDINGS]


def held(results: Sequence[Result]) -> Held:
    """Rows by holding."""
    return {holding.name: result.rows for holding, result in zip(HOLDINGS, results, strict=True)}


def confirm(rows: Held) -> list[Statement]:
    """The order was paid."""
    return [statement for holding in HOLDINGS for statement in holding.confirm(rows[holding.name])]


def release(rows: Held) -> list[Statement]:
    """The order was closed unpaid."""
    return [statement for holding in HOLDINGS for statement in holding.release(rows[holding.name])]


def give_back(rows: Held) -> list[Statement]:
    """Every fen of the order went back."""
    return [statement for holding in HOLDINGS for statement in holding.give_back(rows[holding.name])]
