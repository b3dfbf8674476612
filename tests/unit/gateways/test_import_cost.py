"""Importing a gateway loads no HTTP, cryptography or AWS library: they wait for the first call."""

import subprocess
import sys

import pytest

HEAVY = ("urllib3", "requests", "wechatpy", "boto3", "botocore", "cryptography")


def loaded_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*(m for m in {HEAVY!r} if m in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": "layers/common"}
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["orchard.gateways.wechat", "orchard.gateways.wechat_pay"])
def test_import_loads_nothing_heavy(module: str) -> None:
    assert loaded_after(f"import {module}") == set()


def test_login_loads_urllib3_but_never_wechatpy() -> None:
    call = (
        "from orchard.core.errors import Unavailable\n"
        "from orchard.gateways.wechat import MiniProgram, WeChat\n"
        "client = WeChat(MiniProgram('wx1', 's' * 32, 'http://127.0.0.1:9'))\n"
        "try: client.code_to_session('code')\n"
        "except Unavailable: pass"
    )
    assert loaded_after(call) == {"urllib3"}
