"""The sweep of group-buy: end the groups whose time is over, then ask for each refund in a transaction of its own."""

from collections.abc import Callable, Iterator
from functools import partial

from orchard.group_buy.service import settling
from orchard.orders.campaigns import grouping
from orchard.runtime import crash_points
from orchard.runtime.database import Connection, Row, Tx
from orchard.runtime.jobs import Counts, TimeLeft, each
from orchard.workflows.group_refunds import refund_seat

_BATCH = 100


def settle_group_buys(transactions: Connection, time_left: TimeLeft) -> Counts:
    """Groups first, refunds behind them: counts by `succeeded`, `failed_groups`, `asked`, `over`, `failed`.

    Repeating it changes nothing; two at once share the work. A refund that cannot be asked for stays due for the next
    run and stops no other.
    """
    ended = each(_due(transactions, time_left), lambda group_id: _end(transactions, group_id), time_left)
    asked = each(_seats(transactions, time_left), _refund(transactions), time_left)
    return {name: ended.get(name, 0) + asked.get(name, 0) for name in {*ended, *asked}}


def _due(transactions: Connection, time_left: TimeLeft) -> Iterator[int]:
    after = None
    while time_left:
        page = transactions.run(partial(settling.due_groups, limit=_BATCH, after=after))
        yield from (row["id"] for row in page)
        if len(page) < _BATCH:
            return
        after = (page[-1]["expires_at"], page[-1]["id"])


def _end(transactions: Connection, group_id: int) -> str:
    return transactions.run(lambda tx: end_group(tx, group_id))


def end_group(tx: Tx, group_id: int) -> str:
    """End one group past its time: `succeeded`, `failed_groups`, or `over` when somebody else has."""
    ended = settling.end(tx, group_id)
    if ended is None:
        return "over"
    tx.packet([*ended.statements, *grouping.to_ship(tx, ended.order_ids)])
    crash_points.reached("settle_group_buys.group_ended")
    return "succeeded" if ended.success else "failed_groups"


def _seats(transactions: Connection, time_left: TimeLeft) -> Iterator[Row]:
    after_id = 0
    while time_left:
        page = transactions.run(partial(settling.seats_to_refund, limit=_BATCH, after_id=after_id))
        yield from page
        if len(page) < _BATCH:
            return
        after_id = page[-1]["id"]


def _refund(transactions: Connection) -> Callable[[Row], str]:
    return lambda row: transactions.run(lambda tx: refund_seat(tx, row["order_number"]))
