"""A shop with apples in two sizes and pears, and two shoppers with carts."""

from collections.abc import Callable
from typing import Any

import pytest

from orchard.runtime.database import Connection
from tests.support.calls import Answer
from tests.support.products import load_products
from tests.support.trolley import APPLES, PEARS, Trolley


@pytest.fixture
def skus(db: Connection) -> dict[str, int]:
    return load_products(db, {"apple": APPLES, "pears": PEARS})


@pytest.fixture
def trolley(call: Callable[..., Answer], shopper: Callable[[], Any], skus: dict[str, int]) -> Trolley:
    member = shopper()
    return Trolley(call, member.member_id, member.token, skus)


@pytest.fixture
def stranger(call: Callable[..., Answer], shopper: Callable[[], Any], skus: dict[str, int]) -> Trolley:
    member = shopper()
    return Trolley(call, member.member_id, member.token, skus)
