"""Key material, published vectors, and an identity that outlives a restart."""

from __future__ import annotations

import base64
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.local.wechat_sandbox import crypto
from infra.local.wechat_sandbox.client import SandboxClient
from infra.local.wechat_sandbox.config import SandboxConfig
from infra.local.wechat_sandbox.server import SandboxServer

from .merchant import Merchant

ROOT = Path(__file__).parents[3]


def test_aes_gcm_vector() -> None:
    sealed = crypto.seal("0123456789abcdef" * 2, b'{"hello":"wx"}', "0123456789ab", "transaction")
    assert sealed == "4ouPXy+m9znPJ1TFkXnB9wpEnCrETMv3wDZmUC8b"
    assert AESGCM(b"0123456789abcdef" * 2).decrypt(b"0123456789ab", base64.b64decode(sealed), b"transaction") == (
        b'{"hello":"wx"}'
    )


def test_identity_is_private_and_kept(tmp_path: Path, config: SandboxConfig) -> None:
    path = config.save(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert SandboxConfig.load_or_generate(tmp_path) == config
    for secret in (config.app_secret, config.api_v3_key, config.merchant_private_key):
        assert secret not in repr(config)


def test_what_the_merchant_holds(config: SandboxConfig) -> None:
    held = config.merchant_secret()
    assert held.keys() == {
        "app_id", "app_secret", "mchid", "merchant_serial", "merchant_private_key", "api_v3_key",
        "platform_public_keys",
    }  # fmt: skip
    assert held["platform_public_keys"].keys() == {config.platform_public_key_id, config.certificate_serial}  # type: ignore[attr-defined]  # the dict is typed for JSON
    assert config.platform_private_key not in json.dumps(held)
    assert len(config.certificate_serial) == 40
    assert len(config.api_v3_key) == 32


def test_restart_keeps_identity_books_clock_and_settings(tmp_path: Path) -> None:
    with SandboxServer(data_dir=tmp_path) as first:
        Merchant(first, "http://127.0.0.1:9/notify").paid()
        first.client.settings(serial_mode="mixed")
        first.client.advance(86400)
        before, day = first.client.ledger(), first.client.call("GET", "clock")["now"][:10]
    with SandboxServer(data_dir=tmp_path) as second:
        assert second.config == first.config
        assert second.client.ledger() == before
        assert second.client.settings()["serial_mode"] == "mixed"
        assert second.client.call("GET", "clock")["now"][:10] == day
        assert [notice["state"] for notice in second.client.notices()] == ["PENDING"]


def test_runs_by_itself_and_ends_on_a_signal(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "infra.local.wechat_sandbox", "--data-dir", str(tmp_path / "new")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout
        start = json.loads(process.stdout.readline())
        merchant_file = Path(start["merchant_file"])
        assert SandboxClient(f"http://127.0.0.1:{start['port']}").ledger()["payments"] == []
        assert stat.S_IMODE(merchant_file.stat().st_mode) == 0o600
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    config = SandboxConfig.load(tmp_path / "new")
    assert json.loads(merchant_file.read_text()) == config.merchant_secret()
