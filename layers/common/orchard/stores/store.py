"""All SQL of stores."""

from collections.abc import Mapping
from typing import Any

from orchard.runtime.database import Row, Statement, Tx, insert
from orchard.stores.rules import EARTH_RADIUS_METRES, Position

_COLUMNS = (
    "id, name, region_code, address, phone, latitude, longitude, opens_at, closes_at, supports_pickup,"
    " supports_local_delivery, local_delivery_fee_fen, local_delivery_minimum_fen, local_delivery_radius_metres"
)
_DISTANCE = (
    f"ROUND({2 * EARTH_RADIUS_METRES} * ASIN(LEAST(1, SQRT(POW(SIN(RADIANS(latitude - %s) / 2), 2)"
    " + COS(RADIANS(%s)) * COS(RADIANS(latitude)) * POW(SIN(RADIANS(longitude - %s) / 2), 2)))))"
)


def by_id(store_id: int) -> Statement:
    """One open store."""
    return Statement(f"SELECT {_COLUMNS} FROM store WHERE id = %s AND is_open = 1", (store_id,))


def page(tx: Tx, prefix: str, after_id: int, limit: int) -> list[Row]:
    """Open stores of a region, in the order in which they were defined."""
    return tx.rows(
        f"SELECT {_COLUMNS}, NULL AS distance_metres FROM store"
        " WHERE is_open = 1 AND region_code LIKE %s AND id > %s ORDER BY id LIMIT %s",
        (f"{prefix}%", after_id, limit),
    )


def nearest(tx: Tx, prefix: str, position: Position, after: tuple[int, int], limit: int) -> list[Row]:
    """Open stores of a region by distance in metres, then id; `after` is the last page's (distance, id)."""
    latitude, longitude = position
    return tx.rows(
        f"SELECT * FROM (SELECT {_COLUMNS}, {_DISTANCE} AS distance_metres FROM store"
        " WHERE is_open = 1 AND region_code LIKE %s) reachable"
        " WHERE distance_metres > %s OR (distance_metres = %s AND id > %s) ORDER BY distance_metres, id LIMIT %s",
        (latitude, latitude, longitude, f"{prefix}%", after[0], after[0], after[1], limit),
    )


def upsert(values: Mapping[str, Any]) -> Statement:
    """Define a store, or change the one with this code; its id stays."""
    changed = ", ".join(f"{column} = VALUES({column})" for column in values if column not in {"id", "code"})
    return insert("store", [values], tail=f"ON DUPLICATE KEY UPDATE {changed}")


def id_by_code(code: str) -> Statement:
    """The id of the store with the merchant's own number."""
    return Statement("SELECT id FROM store WHERE code = %s", (code,), expect=1)
