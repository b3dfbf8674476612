"""Activities and their own stock."""

from collections.abc import Mapping, Sequence
from typing import Any

from orchard.group_buy.models import ActivityNotFound, ActivityStateConflict, GroupBuySoldOut, SeatConflict
from orchard.runtime.database import Row, Statement, Tx, insert


def insert_activity(values: Mapping[str, Any]) -> Statement:
    """A new activity."""
    return insert("group_buy_activity", [values])


def locked(tx: Tx, activity_id: int) -> Row:
    """The activity, locked until the transaction ends. Raises ActivityNotFound."""
    row = tx.row("SELECT * FROM group_buy_activity WHERE id = %s FOR UPDATE", (activity_id,))
    if row is None:
        raise ActivityNotFound
    return row


def newest(tx: Tx, limit: int) -> list[Row]:
    """Activities, newest first."""
    return tx.rows("SELECT id, name, version, state FROM group_buy_activity ORDER BY id DESC LIMIT %s", (limit,))


def change(activity_id: int, version: int, values: Mapping[str, Any]) -> Statement:
    """Set columns of the activity that was read at `version`."""
    columns = ", ".join(f"{column} = %s" for column in values)
    return Statement(
        f"UPDATE group_buy_activity SET {columns}, version = version + 1 WHERE id = %s AND version = %s",
        [*values.values(), activity_id, version],
        expect=1,
        otherwise=ActivityStateConflict(),
    )


def locked_skus(tx: Tx, activity_id: int) -> list[Row]:
    """The activity's SKUs, locked: sku_id, price_fen, quota, taken."""
    return tx.rows(
        "SELECT sku_id, price_fen, quota, taken FROM group_buy_sku WHERE activity_id = %s ORDER BY sku_id FOR UPDATE",
        (activity_id,),
    )


def put_skus(activity_id: int, skus: Sequence[tuple[int, int, int]]) -> Statement:
    """Write (sku_id, price_fen, quota) rows; what is taken stays as it is."""
    rows = [
        {"activity_id": activity_id, "sku_id": sku_id, "price_fen": price_fen, "quota": quota}
        for sku_id, price_fen, quota in sorted(skus)
    ]
    return insert(
        "group_buy_sku", rows, tail="ON DUPLICATE KEY UPDATE price_fen = VALUES(price_fen), quota = VALUES(quota)"
    )


def drop_sku(activity_id: int, sku_id: int) -> Statement:
    """Take a SKU out of which nothing was taken."""
    return Statement(
        "DELETE FROM group_buy_sku WHERE activity_id = %s AND sku_id = %s AND taken = 0",
        (activity_id, sku_id),
        expect=1,
        otherwise=ActivityStateConflict(),
    )


def take(activity_id: int, sku_id: int, units: int, price_fen: int) -> Statement:
    """Take units out of the activity's quota, while they are there at the price that was read."""
    return Statement(
        "UPDATE group_buy_sku SET taken = taken + %s"
        " WHERE activity_id = %s AND sku_id = %s AND price_fen = %s AND quota >= taken + %s",
        (units, activity_id, sku_id, price_fen, units),
        expect=1,
        otherwise=GroupBuySoldOut(),
    )


def put_back(activity_id: int, sku_id: int, units: int) -> Statement:
    """Give units back to the activity's quota."""
    return Statement(
        "UPDATE group_buy_sku SET taken = taken - %s WHERE activity_id = %s AND sku_id = %s AND taken >= %s",
        (units, activity_id, sku_id, units),
        expect=1,
        otherwise=SeatConflict(),
    )


def offer(activity_id: int, sku_id: int, member_id: int) -> Statement:
    """The activity as one order sees it; no row for a draft."""
    mine = "FROM group_buy_member m WHERE m.activity_id = a.id AND m.member_id = %s"
    return Statement(
        "SELECT a.*, a.starts_at <= UTC_TIMESTAMP(6) AS started, a.ends_at <= UTC_TIMESTAMP(6) AS ended, s.price_fen,"
        " COALESCE(CAST(s.quota AS SIGNED) - CAST(s.taken AS SIGNED), 0) AS remaining,"
        f" (SELECT COALESCE(SUM(m.units), 0) {mine} AND m.state IN ('RESERVED', 'PAID', 'SUCCESS')) AS units,"
        f" EXISTS (SELECT 1 {mine} AND m.live = 1) AS in_a_group FROM group_buy_activity a"
        " LEFT JOIN group_buy_sku s ON s.activity_id = a.id AND s.sku_id = %s WHERE a.id = %s AND a.state <> 'DRAFT'",
        (member_id, member_id, sku_id, activity_id),
    )


def still_open(activity_id: int, version: int) -> Statement:
    """Fails unless a group may still be opened on the terms that were read."""
    return Statement(
        "SELECT id FROM group_buy_activity WHERE id = %s AND version = %s AND state = 'PUBLISHED'"
        " AND starts_at <= UTC_TIMESTAMP(6) AND ends_at > UTC_TIMESTAMP(6)",
        (activity_id, version),
        expect=1,
        otherwise=GroupBuySoldOut(),
    )
