from collections.abc import Iterator

import pytest

from infra.local.wechat_sandbox.config import SandboxConfig
from infra.local.wechat_sandbox.server import SandboxServer
from orchard.core import ids
from orchard.gateways.http import Timeouts
from orchard.gateways.wechat_pay import WeChatPayClient
from tests.functions.gateways.sandbox_merchant import OPENID, merchant_keys


@pytest.fixture(scope="session")
def identity() -> SandboxConfig:
    return SandboxConfig.generate()


@pytest.fixture
def sandbox(identity: SandboxConfig) -> Iterator[SandboxServer]:
    with SandboxServer(identity) as server:
        yield server


@pytest.fixture
def client(sandbox: SandboxServer) -> WeChatPayClient:
    sandbox.client.create_shopper(openid=OPENID)
    return WeChatPayClient(merchant_keys(sandbox), sandbox.url, timeouts=Timeouts(connect=2.0, read=1.0))


@pytest.fixture
def number() -> str:
    return ids.new_order_number()
