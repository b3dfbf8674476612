"""All SQL on stock and its ledger. Stock rows are touched by one guarded UPDATE, in key order, counted."""

from collections import Counter
from collections.abc import Sequence

from orchard.core.errors import AppError
from orchard.inventory.models import (
    AlreadyOpened,
    LedgerKind,
    OutOfStock,
    StockLine,
    StockLineNotOpen,
    StockLineReserved,
)
from orchard.runtime.database import Row, Statement, Tx, insert, placeholders

Place = tuple[int, int]


def select_stock(sku_ids: Sequence[int]) -> Statement:
    """Free units by SKU and location, locations in order of preference."""
    ids = sorted(set(sku_ids))
    return Statement(
        "SELECT sku_id, location_id, CAST(on_hand AS SIGNED) - CAST(reserved AS SIGNED) AS available"
        f" FROM stock WHERE sku_id IN ({placeholders(ids)}) ORDER BY sku_id, location_id",
        ids,
    )


def reserve(order_id: int, lines: Sequence[StockLine]) -> list[Statement]:
    """RESERVE rows, then the hot rows, last."""
    rows = [
        {
            "line_id": line.line_id,
            "kind": LedgerKind.RESERVE.value,
            "cause": "",
            "order_id": order_id,
            "sku_id": line.sku_id,
            "location_id": line.location_id,
            "delta_on_hand": 0,
            "delta_reserved": line.quantity,
        }
        for line in lines
    ]
    ledger = insert("stock_ledger", rows, on_duplicate=StockLineReserved())
    moved = "reserved = reserved + {units}"
    return [ledger, _move(lines, moved, "on_hand >= reserved + %s", OutOfStock())]


def settle(order_ids: Sequence[int], kind: LedgerKind, lines: Sequence[StockLine]) -> list[Statement]:
    """RELEASE or DEDUCT: an open RESERVE row's mirror image, then the hot rows, last."""
    taken = 1 if kind is LedgerKind.DEDUCT else 0
    ids = sorted(line.line_id for line in lines)
    exact = ", ".join(["(%s, %s, %s, %s)"] * len(lines))
    ledger = Statement(
        "INSERT INTO stock_ledger (line_id, kind, cause, settled_line_id, order_id, sku_id, location_id,"
        " delta_on_hand, delta_reserved)"
        " SELECT line_id, %s, '', line_id, order_id, sku_id, location_id, -delta_reserved * %s, -delta_reserved"
        " FROM stock_ledger"
        f" WHERE kind = %s AND cause = '' AND order_id IN ({placeholders(order_ids)})"
        f" AND line_id IN ({placeholders(ids)})"
        # The caller's figures must be the reserved ones, or the rows and the columns would part.
        f" AND (line_id, sku_id, location_id, delta_reserved) IN ({exact})",
        [kind.value, taken, LedgerKind.RESERVE.value, *order_ids, *ids]
        + [value for line in lines for value in (line.line_id, line.sku_id, line.location_id, line.quantity)],
        expect=len(lines),
        otherwise=StockLineNotOpen(),
        on_duplicate=StockLineNotOpen(),
    )
    moved = "reserved = reserved - {units}" + (", on_hand = on_hand - {units}" if taken else "")
    return [ledger, _move(lines, moved, "reserved >= %s", StockLineNotOpen())]


def take_back(order_id: int, lines: Sequence[StockLine]) -> list[Statement]:
    """RETURN: a DEDUCT row's mirror image, then the stock rows, last."""
    ids = sorted(line.line_id for line in lines)
    exact = ", ".join(["(%s, %s, %s, %s)"] * len(lines))
    ledger = Statement(
        "INSERT INTO stock_ledger (line_id, kind, cause, order_id, sku_id, location_id, delta_on_hand, delta_reserved)"
        " SELECT line_id, %s, '', order_id, sku_id, location_id, -delta_on_hand, 0 FROM stock_ledger"
        f" WHERE kind = %s AND cause = '' AND order_id = %s AND line_id IN ({placeholders(ids)})"
        f" AND (line_id, sku_id, location_id, -delta_on_hand) IN ({exact})",
        [LedgerKind.RETURN.value, LedgerKind.DEDUCT.value, order_id, *ids]
        + [value for line in lines for value in (line.line_id, line.sku_id, line.location_id, line.quantity)],
        expect=len(lines),
        otherwise=StockLineNotOpen(),
        on_duplicate=StockLineNotOpen(),
    )
    return [ledger, _move(lines, "on_hand = on_hand + {units}", "%s > 0", StockLineNotOpen())]


def _move(lines: Sequence[StockLine], moved: str, guard: str, otherwise: AppError) -> Statement:
    """One UPDATE over all rows in key order: concurrent carts lock in the same order, whatever theirs was."""
    units = _units_by_place(lines)
    case = "CASE" + " WHEN sku_id = %s AND location_id = %s THEN %s" * len(units) + " END"
    where = " OR ".join([f"(sku_id = %s AND location_id = %s AND {guard})"] * len(units))
    values = [value for (sku_id, location_id), quantity in units for value in (sku_id, location_id, quantity)]
    return Statement(
        f"UPDATE stock SET {moved.format(units=case)} WHERE {where}",
        values * (moved.count("{units}") + 1),
        expect=len(units),
        otherwise=otherwise,
    )


def _units_by_place(lines: Sequence[StockLine]) -> list[tuple[Place, int]]:
    units: Counter[Place] = Counter()
    for line in lines:
        if line.quantity < 1:
            raise ValueError("a stock line takes at least one unit")
        units[line.sku_id, line.location_id] += line.quantity
    return sorted(units.items())


def insert_change(
    kind: LedgerKind, cause: str, sku_id: int, location_id: int, change: int, on_duplicate: AppError
) -> Statement:
    """The ledger row of a change that no order caused."""
    row = _unordered(kind, cause, sku_id, location_id, change)
    return insert("stock_ledger", [row], on_duplicate=on_duplicate)


def _unordered(kind: LedgerKind, cause: str, sku_id: int, location_id: int, change: int) -> Row:
    return {
        "line_id": 0,
        "kind": kind.value,
        "cause": cause,
        "sku_id": sku_id,
        "location_id": location_id,
        "delta_on_hand": change,
        "delta_reserved": 0,
    }


def find_change(tx: Tx, kind: LedgerKind, cause: str) -> Row | None:
    """The recorded change of this kind and cause: sku_id, location_id, delta_on_hand."""
    return tx.row(
        "SELECT sku_id, location_id, delta_on_hand FROM stock_ledger WHERE line_id = 0 AND kind = %s AND cause = %s",
        (kind.value, cause),
    )


def change_on_hand(sku_id: int, location_id: int, change: int) -> Statement:
    """Move on_hand, never below what is reserved; matches no row when that would happen or none is kept."""
    if change > 0:
        return Statement(
            "UPDATE stock SET on_hand = on_hand + %s WHERE sku_id = %s AND location_id = %s",
            (change, sku_id, location_id),
        )
    return Statement(
        "UPDATE stock SET on_hand = on_hand - %s WHERE sku_id = %s AND location_id = %s AND on_hand >= reserved + %s",
        (-change, sku_id, location_id, -change),
    )


def kept_skus(tx: Tx, sku_ids: Sequence[int], location_id: int) -> set[int]:
    """Those of the SKUs that have a stock row at the location."""
    rows = tx.rows(
        f"SELECT sku_id FROM stock WHERE location_id = %s AND sku_id IN ({placeholders(sku_ids)})",
        [location_id, *sku_ids],
    )
    return {row["sku_id"] for row in rows}


def open_stock(rows: Sequence[tuple[int, int]], location_id: int) -> list[Statement]:
    """OPENING rows and stock rows of SKUs that have none yet, in key order."""
    ledger = [_unordered(LedgerKind.OPENING, f"{sku}@{location_id}", sku, location_id, units) for sku, units in rows]
    stock = [
        {"sku_id": sku_id, "location_id": location_id, "on_hand": quantity, "reserved": 0} for sku_id, quantity in rows
    ]
    opened = AlreadyOpened()
    return [insert("stock_ledger", ledger, on_duplicate=opened), insert("stock", stock, on_duplicate=opened)]
