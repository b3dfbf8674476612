"""One running bundle for all scenarios: schedules off, jobs fired by name, queues polled, books compared."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from infra.local import shopfront
from infra.local.cloud import LocalCloud
from infra.local.shop import Installation, Place, install_shop
from tests.support.scenario import RunningShop, Shopper, running_shop


def _patient_shop(place: Place) -> Installation:
    """The shop's installation, with a day to pay: the sandbox's clock may then run hours ahead of the database's."""
    installed = install_shop(place)
    return replace(installed, parameters={**installed.parameters, "PaymentMinutes": "1440"})


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """The bundle with the demo shop in it."""
    folder = tmp_path_factory.mktemp("bundle")
    with LocalCloud(folder, install=_patient_shop, durable=False, schedules=False, report=lambda _: None) as cloud:
        shopfront.load(cloud)
        yield cloud


@pytest.fixture
def shop(bundle: LocalCloud, tmp_path: Path) -> Iterator[RunningShop]:
    """The running shop. At the end both books must agree and every invariant hold."""
    yield from running_shop(bundle, tmp_path)


@pytest.fixture
def shopper(shop: RunningShop) -> Shopper:
    """A logged-in shopper."""
    return shop.shopper()
