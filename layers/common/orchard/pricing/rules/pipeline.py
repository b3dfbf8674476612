"""The pipeline: steps of one shape that pass a draft along, each reading what is left to pay.

A step is `Draft -> Draft` and changes money only through `discount`, `prorate` and `add_freight`, so that every fen
it moves is on a line and in the trace.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from orchard.catalog.models import SkuSnapshot
from orchard.core import money
from orchard.pricing.models import Delivery, FreightBook, LineDiscount, PricingLine, StepName, TraceEntry

PRICE = "price"


@dataclass(frozen=True, slots=True)
class DraftLine:
    """One line on its way through the steps."""

    sku: SkuSnapshot
    quantity: int
    discounts: tuple[LineDiscount, ...] = ()
    freight_fen: int = 0

    @property
    def gross_fen(self) -> int:
        """Selling price times quantity."""
        return self.sku.price_fen * self.quantity

    @property
    def goods_payable_fen(self) -> int:
        """What is left to pay for the goods."""
        return self.gross_fen - sum(discount.amount_fen for discount in self.discounts)


@dataclass(frozen=True, slots=True)
class Draft:
    """The order on its way: lines in SKU order, so that the caller's order decides nothing."""

    lines: tuple[DraftLine, ...]
    delivery: Delivery | None
    book: FreightBook
    trace: tuple[TraceEntry, ...]
    undeliverable: frozenset[int] = frozenset()
    # The rule of an earlier step that made express freight free, with its version.
    free_freight: tuple[str, int] | None = None

    def line(self, sku_id: int) -> DraftLine:
        """The line of a SKU. Raises KeyError."""
        for line in self.lines:
            if line.sku.sku_id == sku_id:
                return line
        raise KeyError(sku_id)

    def payable_by_sku(self) -> dict[int, int]:
        """sku_id -> what is left to pay for the line's goods."""
        return {line.sku.sku_id: line.goods_payable_fen for line in self.lines}

    def noted(self, entry: TraceEntry) -> "Draft":
        """The draft with one more trace entry."""
        return replace(self, trace=(*self.trace, entry))


Step = Callable[[Draft], Draft]


def begin(lines: Sequence[PricingLine], delivery: Delivery | None, book: FreightBook) -> Draft:
    """The draft at selling prices. Raises ValueError for a repeated SKU, a quantity below 1 or a negative price."""
    ordered = sorted(lines, key=lambda line: line.sku.sku_id)
    ids = tuple(line.sku.sku_id for line in ordered)
    if len(set(ids)) != len(ids):
        raise ValueError("a SKU may stand on one line only")
    if any(line.quantity < 1 or line.sku.price_fen < 0 for line in ordered):
        raise ValueError("quantity or price out of range")
    drafted = tuple(DraftLine(line.sku, line.quantity) for line in ordered)
    entry = TraceEntry(PRICE, "selling_price", 0, ids, tuple(line.gross_fen for line in drafted))
    return Draft(drafted, delivery, book, (entry,) if ids else ())


def run(draft: Draft, steps: Mapping[StepName, Step]) -> Draft:
    """Send the draft through the given steps, in the pipeline's order; a place without a step changes nothing."""
    for name in StepName:
        if name in steps:
            draft = steps[name](draft)
    return draft


def discount(draft: Draft, step: StepName, rule_id: str, version: int, amounts: Mapping[int, int]) -> Draft:
    """Take `amounts` (sku_id -> fen) off their lines. Raises ValueError for a negative amount or more than is left."""
    left = draft.payable_by_sku()
    for sku_id, amount in amounts.items():
        if not 0 <= amount <= left[sku_id]:
            raise ValueError("a discount is between nothing and what is left to pay")
    lines = tuple(_discounted(line, step, rule_id, amounts.get(line.sku.sku_id, 0)) for line in draft.lines)
    ids = tuple(sorted(amounts))
    entry = TraceEntry(step.value, rule_id, version, ids, tuple(-amounts[sku_id] for sku_id in ids))
    return replace(draft, lines=lines).noted(entry)


def prorate(draft: Draft, step: StepName, rule_id: str, version: int, amount_fen: int, sku_ids: Sequence[int]) -> Draft:
    """Take `amount_fen` off these lines together, at most what they have left.

    Shares follow what each line has left to pay, by largest remainder, ties to the lowest SKU id.
    """
    ids = sorted(set(sku_ids))
    payable = draft.payable_by_sku()
    left = [payable[sku_id] for sku_id in ids]
    shares = money.allocate(min(amount_fen, sum(left)), left)
    return discount(draft, step, rule_id, version, dict(zip(ids, shares, strict=True)))


def _discounted(line: DraftLine, step: StepName, rule_id: str, amount_fen: int) -> DraftLine:
    if not amount_fen:
        return line
    return replace(line, discounts=(*line.discounts, LineDiscount(step.value, rule_id, amount_fen)))


def add_freight(draft: Draft, rule_id: str, amounts: Mapping[int, int]) -> Draft:
    """Put freight (sku_id -> fen) on lines. Raises ValueError for a negative amount."""
    if any(amount < 0 for amount in amounts.values()):
        raise ValueError("negative freight")
    lines = tuple(
        replace(line, freight_fen=line.freight_fen + amounts.get(line.sku.sku_id, 0)) for line in draft.lines
    )  # fmt: skip
    ids = tuple(sorted(amounts))
    entry = TraceEntry(StepName.FREIGHT.value, rule_id, draft.book.version, ids, tuple(amounts[i] for i in ids))
    return replace(draft, lines=lines).noted(entry)
