from collections.abc import Iterator

import pytest

from infra.local.wechat_sandbox.config import SandboxConfig
from infra.local.wechat_sandbox.server import SandboxServer


@pytest.fixture(scope="session")
def identity() -> SandboxConfig:
    return SandboxConfig.generate()


@pytest.fixture
def sandbox(identity: SandboxConfig) -> Iterator[SandboxServer]:
    with SandboxServer(identity) as server:
        yield server
