"""An AWS of one's own for each test, and an environment filled in as an operator would."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from infra.build.tools import ROOT
from infra.deploy import plan
from infra.deploy.plan import Plan
from tests.support.aws import own_account

Given = dict[str, dict[str, Any]]


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Moto, and credentials of nobody."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with own_account():
        yield


@pytest.fixture
def samconfig(tmp_path: Path) -> Path:
    """The project's own file with what WeChat gives out filled in."""
    text = (ROOT / "samconfig.toml").read_text(encoding="utf-8")
    path = tmp_path / "samconfig.toml"
    text = text.replace("WeChatAppId=", f"WeChatAppId=wx{secrets.token_hex(8)}")
    path.write_text(text.replace("WeChatMerchantId=", "WeChatMerchantId=1900000109"))
    return path


@pytest.fixture
def staging(samconfig: Path) -> Plan:
    return plan.read("staging", samconfig)


@pytest.fixture(scope="session")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    kinds = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*kinds).decode()


@pytest.fixture
def given(private_key: str) -> Given:
    """What only the retailer has."""
    return {
        "shop": {"wechat_app_secret": secrets.token_hex(16)},
        "wechat-pay": {
            "merchant_serial": secrets.token_hex(20),
            "merchant_private_key": private_key,
            "api_v3_key": secrets.token_hex(16),
            "platform_public_keys": {"PUB_KEY_ID_1": "PEM"},
        },
    }
