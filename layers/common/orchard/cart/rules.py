"""Pure decisions: whether a line can be bought, and what may be put in."""

from collections.abc import Mapping, Sequence

from orchard.cart.models import (
    MAX_LINES,
    MAX_QUANTITY,
    CartFull,
    CartRow,
    InvalidReason,
    SkuOffSale,
    TooManyOfOne,
)
from orchard.catalog.models import SkuSnapshot
from orchard.core.errors import NotFound
from orchard.inventory import service as inventory

Stock = Mapping[int, Mapping[int, int]]


def sellable_units(stock: Stock, sku_id: int) -> int:
    """The most that one line can get: a line is served from one location, so the fullest one counts."""
    return max(stock.get(sku_id, {}).values(), default=0)


def why_invalid(row: CartRow, sku: SkuSnapshot | None, available: int) -> InvalidReason | None:
    """The reason that weighs most, or None for a line that can be bought."""
    if sku is None:
        return InvalidReason.DELETED
    if not sku.on_sale:
        return InvalidReason.OFF_SALE
    if available < 1:
        return InvalidReason.OUT_OF_STOCK
    return InvalidReason.TOO_MANY if row.quantity > available else None


def check_sellable(sku: SkuSnapshot | None) -> SkuSnapshot:
    """The SKU, if it can be sold now. Raises NotFound or SkuOffSale."""
    if sku is None:
        raise NotFound
    if not sku.on_sale:
        raise SkuOffSale(sku_id=str(sku.sku_id))
    return sku


def check_quantity(sku_id: int, quantity: int, stock: Stock) -> None:
    """Raises TooManyOfOne above the cap of a line, OutOfStock above what is there."""
    if quantity > MAX_QUANTITY:
        raise TooManyOfOne(sku_id=str(sku_id), maximum=MAX_QUANTITY)
    if quantity > sellable_units(stock, sku_id):
        raise inventory.out_of_stock(stock, [sku_id])


def check_room(rows: Sequence[CartRow]) -> None:
    """Raises CartFull when no line fits any more."""
    if len(rows) >= MAX_LINES:
        raise CartFull(maximum=MAX_LINES)


def find_line(rows: Sequence[CartRow], line_id: int) -> CartRow:
    """The line of this id among the member's own. Raises NotFound."""
    for row in rows:
        if row.line_id == line_id:
            return row
    raise NotFound


def find_sku(rows: Sequence[CartRow], sku_id: int) -> CartRow | None:
    """The line that holds this SKU, if any."""
    return next((row for row in rows if row.sku_id == sku_id), None)
