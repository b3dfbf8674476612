"""Read, reserve, release, deduct and adjust stock.

Reserve, release and deduct are statements for the caller's own packet: put them last, right before COMMIT, so that
the scarcest rows are held the shortest.
"""

from collections.abc import Iterable, Sequence

from orchard.inventory import rules, store
from orchard.inventory.models import (
    MAIN_LOCATION,
    AdjustmentKeyReused,
    AdjustReason,
    BelowReserved,
    LedgerKind,
    OutOfStock,
    StockLine,
    StockNotKept,
)
from orchard.inventory.rules import allocate, out_of_stock
from orchard.runtime.database import Row, Statement, Tx
from orchard.runtime.outbox import emit

__all__ = [
    "MAIN_LOCATION",
    "AdjustReason",
    "OutOfStock",
    "StockLine",
    "adjust",
    "allocate",
    "available",
    "deduct",
    "out_of_stock",
    "read_stock",
    "release",
    "reserve",
    "set_opening",
    "stock_statement",
    "take_back",
]
_CHUNK = 1000


def stock_statement(sku_ids: Sequence[int]) -> Statement:
    """The live stock of these SKUs (at least one), for a packet; see `read_stock`."""
    return store.select_stock(sku_ids)


def read_stock(rows: Iterable[Row]) -> dict[int, dict[int, int]]:
    """sku_id -> location_id -> free units, locations in order of preference. Unknown SKUs are absent."""
    stock: dict[int, dict[int, int]] = {}
    for row in rows:
        stock.setdefault(row["sku_id"], {})[row["location_id"]] = row["available"]
    return stock


def available(tx: Tx, sku_ids: Sequence[int]) -> dict[int, int]:
    """Free units per SKU over all locations, in one query; 0 for SKUs without stock."""
    if not sku_ids:
        return {}
    stock = read_stock(tx.packet([stock_statement(sku_ids)])[0].rows)
    return {sku_id: sum(stock.get(sku_id, {}).values()) for sku_id in sku_ids}


def reserve(order_id: int, lines: Sequence[StockLine]) -> list[Statement]:
    """Reserve all lines or none: ledger rows, then one guarded UPDATE.

    The packet raises OutOfStock when any line is short or its stock row is missing, StockLineReserved for a line
    that was reserved before.
    """
    return store.reserve(order_id, lines)


def release(order_ids: Sequence[int], lines: Sequence[StockLine]) -> list[Statement]:
    """Give reserved lines of these orders back, all or none.

    The packet raises StockLineNotOpen unless each was reserved so and not yet settled.
    """
    return store.settle(order_ids, LedgerKind.RELEASE, lines)


def deduct(order_ids: Sequence[int], lines: Sequence[StockLine]) -> list[Statement]:
    """Take reserved lines off the shelf for good. Raises as `release`; a line gets one of the two, once."""
    return store.settle(order_ids, LedgerKind.DEDUCT, lines)


def take_back(order_id: int, lines: Sequence[StockLine]) -> list[Statement]:
    """Put deducted lines that never left the shop back on the shelf, whole (RETURN).

    The packet raises StockLineNotOpen unless each was deducted so, and for a line that was taken back before.
    """
    return store.take_back(order_id, lines)


def adjust(tx: Tx, sku_id: int, location_id: int, change: int, reason: AdjustReason, key: str) -> None:
    """Change what is on hand by `change` units and tell it (outbox topic stock.adjusted).

    The same key for the same reason and change has one effect. Raises BelowReserved, StockNotKept,
    AdjustmentKeyReused, InvalidInput.
    """
    rules.check_adjustment(change, reason, key)
    kind = LedgerKind(reason.value)
    try:
        tx.execute(store.insert_change(kind, key, sku_id, location_id, change, AdjustmentKeyReused()))
    except AdjustmentKeyReused:
        if store.find_change(tx, kind, key) == {
            "sku_id": sku_id, "location_id": location_id, "delta_on_hand": change,
        }:  # fmt: skip
            return
        raise
    event = emit("stock.adjusted", str(sku_id), {"sku_ids": [str(sku_id)]})
    moved = tx.packet([event, store.change_on_hand(sku_id, location_id, change)])[-1].affected
    if moved != 1:
        raise BelowReserved if store.kept_skus(tx, [sku_id], location_id) else StockNotKept


def set_opening(tx: Tx, rows: Sequence[tuple[int, int]], location_id: int = MAIN_LOCATION) -> int:
    """Open the stock of (sku_id, quantity) pairs that have none at the location; the others keep theirs.

    Returns how many were opened. Raises AlreadyOpened when another import opened one of them meanwhile, and
    ValueError for a negative quantity.
    """
    if any(quantity < 0 for _, quantity in rows):
        raise ValueError("negative opening stock")
    wanted = sorted(dict(rows).items())
    opened = 0
    for start in range(0, len(wanted), _CHUNK):
        chunk = wanted[start : start + _CHUNK]
        kept = store.kept_skus(tx, [sku_id for sku_id, _ in chunk], location_id)
        missing = [pair for pair in chunk if pair[0] not in kept]
        if missing:
            tx.packet(store.open_stock(missing, location_id))
        opened += len(missing)
    return opened
