"""Distances and reach: pure decisions about where a store is and whom it serves."""

import math

from orchard.stores.models import Store

# Mean radius of the Earth (IUGG), in metres.
EARTH_RADIUS_METRES = 6_371_008.8
Position = tuple[float, float]


def distance_metres(here: Position, there: Position) -> int:
    """Great-circle distance of two (latitude, longitude) pairs in degrees, rounded to metres (haversine)."""
    latitude, longitude = math.radians(here[0]), math.radians(here[1])
    other_latitude, other_longitude = math.radians(there[0]), math.radians(there[1])
    half_chord = (
        math.sin((other_latitude - latitude) / 2) ** 2
        + math.cos(latitude) * math.cos(other_latitude) * math.sin((other_longitude - longitude) / 2) ** 2
    )
    return round(2 * EARTH_RADIUS_METRES * math.asin(math.sqrt(min(1.0, half_chord))))


def region_prefix(region_code: str) -> str:
    """The part of a GB/T 2260 code that all places inside the region share: province 2, city 4, district 6 digits."""
    if region_code.endswith("0000"):
        return region_code[:2]
    return region_code[:4] if region_code.endswith("00") else region_code


def delivers_to(store: Store, region_code: str, position: Position | None) -> bool:
    """Whether local delivery reaches an address: same city and, with a known position, in its radius."""
    if not store.supports_local_delivery or store.region_code[:4] != region_code[:4]:
        return False
    if position is None:
        return True
    return distance_metres((store.latitude, store.longitude), position) <= store.local_delivery_radius_metres
