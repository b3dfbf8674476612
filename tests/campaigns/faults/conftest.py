"""One bundle that can fail everywhere, and its shop."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.faulty import FaultyCloud, faulty_cloud, faulty_shop
from tests.support.scenario import RunningShop


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyCloud]:
    """The bundle behind relays, with crash points that can be armed."""
    with faulty_cloud(tmp_path_factory.mktemp("faulty")) as cloud:
        yield cloud


@pytest.fixture
def shop(faulty: FaultyCloud, tmp_path: Path) -> Iterator[RunningShop]:
    """The running shop. At the end both books must agree and every invariant hold."""
    yield from faulty_shop(faulty, tmp_path)
