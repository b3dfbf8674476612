from collections.abc import Iterator

import pytest

from tests.unit.gateways.pay_platform import Platform, Scripted, serving


@pytest.fixture(scope="session")
def platform() -> Platform:
    return Platform.generate()


@pytest.fixture(scope="module")
def server() -> Iterator[Scripted]:
    with serving() as scripted:
        yield scripted
