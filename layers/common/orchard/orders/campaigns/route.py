"""Where a campaign sends an order that was paid."""

from collections.abc import Sequence
from typing import NamedTuple

from orchard.orders.models import OrderState
from orchard.runtime.database import Statement


class Route(NamedTuple):
    """The states that follow PAID, in their order, and what else happens then."""

    path: tuple[OrderState, ...]
    statements: Sequence[Statement]
