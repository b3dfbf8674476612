"""Distances and reach of stores."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchard.stores.models import Store
from orchard.stores.rules import delivers_to, distance_metres, region_prefix

Position = tuple[float, float]
POSITIONS = st.tuples(st.floats(-90, 90), st.floats(-180, 180))
CANTON_TOWER = (23.1064, 113.3245)


def store(**changes: object) -> Store:
    values: dict[str, object] = {
        "store_id": 1, "name": "果园", "region_code": "440105", "address": "艺苑路", "phone": "",
        "latitude": CANTON_TOWER[0], "longitude": CANTON_TOWER[1], "opens_at": "09:00", "closes_at": "21:00",
        "supports_pickup": True, "supports_local_delivery": True, "local_delivery_fee_fen": 500,
        "local_delivery_minimum_fen": 3000, "local_delivery_radius_metres": 5000,
    }  # fmt: skip
    return Store(**{**values, **changes})  # type: ignore[arg-type]  # values of many types, by name


@given(POSITIONS, POSITIONS)
def test_distance_is_symmetric_and_never_beyond_half_the_earth(
    here: tuple[float, float], there: tuple[float, float]
) -> None:
    assert distance_metres(here, there) == distance_metres(there, here)
    assert 0 <= distance_metres(here, there) <= 20_015_115


def test_a_degree_of_latitude_is_a_ninetieth_of_a_quarter_meridian() -> None:
    assert distance_metres((0.0, 0.0), (1.0, 0.0)) == 111_195
    assert distance_metres((0.0, 179.5), (0.0, -179.5)) == 111_195


@pytest.mark.parametrize(
    ("code", "prefix"), [("440000", "44"), ("440100", "4401"), ("440105", "440105"), ("441900", "4419")]
)
def test_a_region_is_the_prefix_its_places_share(code: str, prefix: str) -> None:
    assert region_prefix(code) == prefix


def test_local_delivery_ends_at_the_city_and_at_the_radius() -> None:
    assert delivers_to(store(), "440106", None)
    assert not delivers_to(store(), "440306", None)
    assert delivers_to(store(), "440106", (23.14, 113.33))
    assert not delivers_to(store(), "440106", (23.20, 113.33))
    assert not delivers_to(store(supports_local_delivery=False), "440106", None)
