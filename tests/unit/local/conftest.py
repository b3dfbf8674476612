"""One running fixture bundle for all tests of the local cloud."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.cloud import LocalCloud
from tests.support.local_bundle import fixture_cloud


@pytest.fixture(scope="package")
def cloud_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cloud")


@pytest.fixture(scope="package")
def cloud(cloud_folder: Path) -> Iterator[LocalCloud]:
    with fixture_cloud(cloud_folder) as running:
        yield running
