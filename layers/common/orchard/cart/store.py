"""All SQL on carts. Whoever adds or changes lines locks the member's cart row first, so that limits are exact."""

from collections.abc import Iterable, Sequence

from orchard.cart.models import CartRow
from orchard.core import clock
from orchard.core.errors import NotFound
from orchard.runtime.database import Row, Statement, placeholders


def lock(member_id: int) -> Statement:
    """Queue up behind other changes of this cart until COMMIT; makes the row at the first time."""
    return Statement(
        "INSERT INTO cart (member_id, changed_at) VALUES (%s, UTC_TIMESTAMP(6))"
        " ON DUPLICATE KEY UPDATE changed_at = VALUES(changed_at)",
        (member_id,),
    )


def select_lines(member_id: int, *, for_update: bool = False) -> Statement:
    """The member's lines, newest first."""
    return Statement(
        "SELECT id, sku_id, product_id, quantity, selected, added_price_fen, added_at FROM cart_line"
        " WHERE member_id = %s ORDER BY id DESC" + (" FOR UPDATE" if for_update else ""),
        (member_id,),
    )


def read_lines(rows: Iterable[Row]) -> list[CartRow]:
    """What `select_lines` found."""
    return [
        CartRow(
            line_id=row["id"],
            sku_id=row["sku_id"],
            product_id=row["product_id"],
            quantity=row["quantity"],
            selected=bool(row["selected"]),
            added_price_fen=row["added_price_fen"],
            added_at=clock.from_database(row["added_at"]),
        )
        for row in rows
    ]


def insert_line(member_id: int, row: CartRow) -> Statement:
    """A new line; its time is the database's."""
    return Statement(
        "INSERT INTO cart_line (id, member_id, sku_id, product_id, quantity, selected, added_price_fen, added_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, UTC_TIMESTAMP(6))",
        (row.line_id, member_id, row.sku_id, row.product_id, row.quantity, int(row.selected), row.added_price_fen),
        expect=1,
    )


def update_line(member_id: int, row: CartRow) -> Statement:
    """Overwrite what may change of a line."""
    return Statement(
        "UPDATE cart_line SET sku_id = %s, quantity = %s, selected = %s, added_price_fen = %s"
        " WHERE member_id = %s AND id = %s",
        (row.sku_id, row.quantity, int(row.selected), row.added_price_fen, member_id, row.line_id),
        expect=1,
        otherwise=NotFound(),
    )


def select_for_order(member_id: int, line_ids: Sequence[int] | None, selected: bool) -> Statement:
    """Select or leave out these lines, or all. NotFound unless every named one is the member's."""
    sql = "UPDATE cart_line SET selected = %s WHERE member_id = %s"
    if line_ids is None:
        return Statement(sql, (int(selected), member_id))
    ids = sorted(set(line_ids))
    return Statement(
        f"{sql} AND id IN ({placeholders(ids)})",
        [int(selected), member_id, *ids],
        expect=len(ids),
        otherwise=NotFound(),
    )


def delete_lines(member_id: int, line_ids: Sequence[int]) -> Statement:
    """Remove these lines. NotFound unless every one is the member's."""
    ids = sorted(set(line_ids))
    return Statement(
        f"DELETE FROM cart_line WHERE member_id = %s AND id IN ({placeholders(ids)})",
        [member_id, *ids],
        expect=len(ids),
        otherwise=NotFound(),
    )


def delete_all(member_id: int) -> Statement:
    """Remove every line."""
    return Statement("DELETE FROM cart_line WHERE member_id = %s", (member_id,))


def delete_skus(member_id: int, sku_ids: Sequence[int]) -> Statement:
    """Remove the lines of these SKUs, as many as there are."""
    ids = sorted(set(sku_ids))
    return Statement(
        f"DELETE FROM cart_line WHERE member_id = %s AND sku_id IN ({placeholders(ids)})", [member_id, *ids]
    )
