"""Pure decisions: which location serves a line, and which adjustments make sense."""

from collections.abc import Mapping, Sequence

from orchard.core.errors import InvalidInput
from orchard.inventory.models import AdjustReason, OutOfStock, StockLine

# sku_id -> location_id -> free units, locations in order of preference.
Stock = Mapping[int, Mapping[int, int]]
Want = tuple[int, int, int]
_MAX_CHANGE = 10**9
_MAX_KEY = 80


def allocate(stock: Stock, wants: Sequence[Want]) -> list[StockLine]:
    """Give each (line_id, sku_id, quantity) the first location that can serve it whole.

    Several wants of one SKU are counted together. Raises OutOfStock naming every short SKU with what is free of it.
    """
    free = {sku_id: dict(locations) for sku_id, locations in stock.items()}
    lines: list[StockLine] = []
    short: set[int] = set()
    for line_id, sku_id, quantity in wants:
        location_id = _first_able(free.get(sku_id, {}), quantity)
        if location_id is None:
            short.add(sku_id)
            continue
        free[sku_id][location_id] -= quantity
        lines.append(StockLine(line_id, sku_id, quantity, location_id))
    if short:
        raise out_of_stock(stock, sorted(short))
    return lines


def out_of_stock(stock: Stock, sku_ids: Sequence[int]) -> OutOfStock:
    """The refusal that names these SKUs; a line is never split, so the fullest location is what counts."""
    lines = [{"sku_id": str(sku_id), "available": max(stock.get(sku_id, {}).values(), default=0)} for sku_id in sku_ids]
    return OutOfStock(lines=lines)


def _first_able(locations: Mapping[int, int], quantity: int) -> int | None:
    return next((location for location, free in locations.items() if free >= quantity), None)


def check_adjustment(change: int, reason: AdjustReason, key: str) -> None:
    """Raises InvalidInput for no change, a wrong sign for the reason, an absurd size, or a key too long or empty."""
    wrong_sign = (reason is AdjustReason.RECEIVE and change < 0) or (reason is AdjustReason.WRITE_OFF and change > 0)
    if change == 0 or wrong_sign or abs(change) > _MAX_CHANGE:
        raise InvalidInput("库存调整数量有误", field="change")
    if not 0 < len(key) <= _MAX_KEY:
        raise InvalidInput("库存调整编号有误", field="key")
