"""What the tests of members share: logging in through the sandbox, and a valid address."""

from collections.abc import Callable
from typing import Any

import pytest

from infra.local.wechat_sandbox.client import SandboxClient
from tests.support.calls import Answer

LogIn = Callable[..., Answer]


@pytest.fixture
def log_in(sandbox: SandboxClient, call: Callable[..., Answer]) -> LogIn:
    """Log a shopper of WeChat in: `log_in("o…")`."""

    def enter(openid: str, **options: Any) -> Answer:
        body = {"code": sandbox.login_code(openid)}
        return call("members/log_in", "POST", "/log-in", body=body, key=None, **options)

    return enter


@pytest.fixture
def address() -> dict[str, Any]:
    return {
        "recipient": "李小果",
        "phone": "13800138000",
        "region_code": "440106",
        "province": "广东省",
        "city": "广州市",
        "district": "天河区",
        "detail": "体育西路 1 号 3 单元 502",
        "tag": "家",
        "is_default": False,
    }
