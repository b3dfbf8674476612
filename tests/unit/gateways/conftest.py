import logging
from collections.abc import Iterator

import pytest

from orchard.gateways.http import Timeouts
from orchard.gateways.wechat_pay import WeChatPayClient
from tests.unit.gateways.mini_program import LONG_TOKEN, SECRET
from tests.unit.gateways.pay_platform import Platform, Scripted, serving


@pytest.fixture(scope="session")
def platform() -> Platform:
    return Platform.generate()


@pytest.fixture(scope="module")
def server() -> Iterator[Scripted]:
    with serving() as scripted:
        yield scripted


@pytest.fixture(scope="module")
def client(platform: Platform, server: Scripted) -> WeChatPayClient:
    return WeChatPayClient(platform.keys(), server.url, timeouts=Timeouts(connect=1.0, read=0.3))


@pytest.fixture
def no_secret_in_the_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    # As in a new process: silence is for the gateway to bring about, with the first call of either kind.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.NOTSET)
    yield
    written = "\n".join(record.getMessage() for record in caplog.get_records("call"))
    for secret in (SECRET, LONG_TOKEN, "session-key", "13800138000", "oShopper"):
        assert secret not in written
