"""What a campaign is to an order that is being quoted or placed."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from orchard.catalog.service import SkuSnapshot
from orchard.core.errors import AppError
from orchard.inventory.service import StockLine
from orchard.orders.schemas.placing import Problem, QuoteRequest
from orchard.pricing.rules.pipeline import Step
from orchard.pricing.rules.stacking import Stacking
from orchard.pricing.rules.trial import Trial
from orchard.pricing.service import PricedOrder
from orchard.runtime.database import Row, Statement


class Asked(NamedTuple):
    """Who asks for what; `placing` is true when the order is to be written now, so nothing need be proposed."""

    member_id: int
    request: QuoteRequest
    placing: bool


class Priceable(NamedTuple):
    """What a campaign decides on: its rows (one list per statement of `read`), the SKUs, and the draft it may try on.

    `trial` runs the earlier steps when it is called, so a campaign with nothing to do costs nothing.
    """

    rows: Sequence[list[Row]]
    skus: Mapping[int, SkuSnapshot]
    trial: Callable[[], Trial]


class Placing(NamedTuple):
    """The order that is being written. `lines` say which order line takes which SKU; amounts stand in `priced`."""

    order_id: int
    order_number: str
    member_id: int
    payment_minutes: int
    lines: Sequence[StockLine]
    priced: PricedOrder


_NOTHING: Mapping[str, Any] = MappingProxyType({})
Claim = Callable[[Placing], list[Statement]]


class Entry(NamedTuple):
    """What a campaign does to one order: a step for its place, problems that forbid placing, fields of the quote, and
    the statements that take what is scarce."""

    step: Step | None = None
    problems: Sequence[Problem] = ()
    shown: Mapping[str, Any] = _NOTHING
    claim: Claim | None = None


class Campaign(Protocol):
    """One kind of campaign. Instances hold no state; whatever differs by order comes from `read`."""

    @property
    def stacking(self) -> Stacking:
        """Its place in the pipeline and the places it keeps empty."""

    @property
    def lost(self) -> tuple[type[AppError], ...]:
        """The errors of its claims that mean: somebody else was faster, show the shopper a new quote."""

    def named(self, request: QuoteRequest) -> bool:
        """Whether the shopper asked for it by name; what is only proposed gives way silently."""

    def read(self, asked: Asked) -> list[Statement]:
        """Its part of the one read packet: a fixed number of plain SELECTs, whatever the cart holds."""

    def enter(self, asked: Asked, found: Priceable) -> Entry:
        """Decide, purely. Raises typed errors only for what must not be told apart or can never be right."""
