"""What the page of an order tells of its campaigns, read in the page's one packet."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from orchard.group_buy.service import of_order
from orchard.orders.schemas.reading import OrderGroup
from orchard.runtime.database import Result, Row, Statement


class Shown(NamedTuple):
    """One field of `OrderDetail`: `read(member_id, order_number)` is one plain SELECT; without rows it stays empty."""

    field: str
    read: Callable[[int, str], Statement]
    show: Callable[[Row], Any]


def _group(row: Row) -> OrderGroup:
    return OrderGroup(**of_order.read_group(row))


SHOWN: tuple[Shown, ...] = (Shown("group", of_order.group_statement, _group),)


def statements(member_id: int, order_number: str) -> list[Statement]:
    """One for each of SHOWN; `fields` understands their results."""
    return [shown.read(member_id, order_number) for shown in SHOWN]


def fields(results: Sequence[Result]) -> dict[str, Any]:
    """The fields of the page that there is something to tell in."""
    found = zip(SHOWN, results, strict=True)
    return {shown.field: shown.show(result.rows[0]) for shown, result in found if result.rows}
