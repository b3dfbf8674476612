"""One identity for all tests of the sandbox (making keys takes long), one sandbox for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local.wechat_sandbox.config import SandboxConfig
from infra.local.wechat_sandbox.server import SandboxServer

from .merchant import Mailbox, Merchant, mailbox


@pytest.fixture(scope="session")
def config() -> SandboxConfig:
    return SandboxConfig.generate()


@pytest.fixture
def sandbox(config: SandboxConfig) -> Iterator[SandboxServer]:
    with SandboxServer(config) as server:
        yield server


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mailbox() as served:
        yield served


@pytest.fixture
def merchant(sandbox: SandboxServer, box: Mailbox) -> Merchant:
    return Merchant(sandbox, box.url)
