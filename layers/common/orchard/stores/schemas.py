"""What the store list answers, and what the demo loader and the console may define."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from orchard.core.schemas import Fen, Id, PlainText, RegionCode, Schema

Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class StoreCard(Schema):
    """One store. `distance_metres` is null when no position was given."""

    store_id: Id
    name: str
    region_code: RegionCode
    address: str
    phone: str
    latitude: float
    longitude: float
    opens_at: TimeOfDay
    closes_at: TimeOfDay
    supports_pickup: bool
    supports_local_delivery: bool
    local_delivery_fee_fen: Fen
    local_delivery_minimum_fen: Fen
    local_delivery_radius_metres: int
    distance_metres: int | None


class StorePage(Schema):
    """Stores, nearest first when a position was given; `next_cursor` is null on the last page."""

    stores: list[StoreCard]
    next_cursor: str | None


class StoreSearch(Schema):
    """What to list. `region_code` may name a province, a city or a district."""

    region_code: RegionCode | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    limit: int = Field(default=20, ge=1, le=50)

    @property
    def position(self) -> tuple[float, float] | None:
        """(latitude, longitude), if both are known."""
        if self.latitude is None or self.longitude is None:
            return None
        return self.latitude, self.longitude


class StoreDraft(Schema):
    """One store as the merchant describes it; `code` is the merchant's own number and identifies the store."""

    code: str = Field(pattern=r"^[0-9A-Za-z_-]{1,32}$")
    name: Annotated[PlainText, Field(min_length=1, max_length=60)]
    region_code: RegionCode
    address: Annotated[PlainText, Field(min_length=1, max_length=200)]
    phone: str = Field(pattern=r"^[0-9+-]{0,20}$")
    latitude: Latitude
    longitude: Longitude
    opens_at: TimeOfDay = "09:00"
    closes_at: TimeOfDay = "21:00"
    is_open: bool = True
    supports_pickup: bool = True
    supports_local_delivery: bool = False
    local_delivery_fee_fen: Fen = 0
    local_delivery_minimum_fen: Fen = 0
    local_delivery_radius_metres: int = Field(default=0, ge=0, le=100_000)

    @model_validator(mode="after")
    def _local_delivery_needs_a_radius(self) -> Self:
        if self.supports_local_delivery and self.local_delivery_radius_metres == 0:
            raise ValueError("local delivery needs a radius")
        return self
