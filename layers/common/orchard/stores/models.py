"""A store as the other capabilities see it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Store:
    """One open store. Coordinates are GCJ-02 degrees; `opens_at` and `closes_at` are shop time, HH:MM."""

    store_id: int
    name: str
    region_code: str
    address: str
    phone: str
    latitude: float
    longitude: float
    opens_at: str
    closes_at: str
    supports_pickup: bool
    supports_local_delivery: bool
    local_delivery_fee_fen: int
    local_delivery_minimum_fen: int
    local_delivery_radius_metres: int

    @property
    def id(self) -> int:
        """The row id."""
        return self.store_id
