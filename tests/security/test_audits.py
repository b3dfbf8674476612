"""The audits: nothing secret is committed, the scan would find it if it were, and no finding is waved through."""

import secrets
import string
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from infra.audit import dependencies
from infra.audit import secrets as committed
from infra.local.wechat_sandbox import crypto

TODAY = date(2030, 1, 1)


def test_no_secret_is_among_the_tracked_files() -> None:
    files = committed.tracked()
    assert len(files) > 300
    assert list(map(str, committed.scan(files, committed.ROOT))) == []


def _letters(length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
    return crypto.random_text(length, alphabet)


# Made now, so that none of them is ever in a file of ours.
_SAMPLES = {
    "Private Key": lambda: crypto.private_pem(crypto.new_private_key()),
    "AWS Access Key": lambda: "key = AKIA" + _letters(16, string.ascii_uppercase),
    "GitHub Token": lambda: "token: ghp_" + _letters(36),
    "Basic Auth Credentials": lambda: f"https://shop:{_letters(12)}@database.internal/",
    "openid": lambda: f'openid = "oA1b{_letters(24)}"',
    "phone number": lambda: "call 139" + _letters(2, "24") + "58" + _letters(2, "13") + "96",
}


@pytest.mark.parametrize("kind", sorted(_SAMPLES))
def test_the_scan_finds_what_it_looks_for(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "settings.py"
    file.write_text(f"# harmless\n{_SAMPLES[kind]()}\n")
    assert kind in {found.kind for found in committed.scan([file], tmp_path)}


def test_a_finding_does_not_repeat_the_secret(tmp_path: Path) -> None:
    secret = secrets.token_hex(12)
    file = tmp_path / "settings.py"
    file.write_text(f"url = 'https://shop:{secret}@database.internal/'\n")
    assert secret not in " ".join(map(str, committed.scan([file], tmp_path)))


def _report(**package: Any) -> dict[str, Any]:
    return {"dependencies": [{"name": "fruit", "version": "1.0", **package}]}


_KNOWN = _report(vulns=[{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["1.1"]}])


def _accepted(until: date, advisory: str = "CVE-1") -> dependencies.Accepted:
    return dependencies.Accepted(advisory, "fruit", "not reachable from any function", until)


def test_a_known_weakness_stands_in_the_way() -> None:
    assert dependencies.judge(_KNOWN, [], TODAY) == ["fruit 1.0: PYSEC-1, mended by 1.1"]
    assert dependencies.judge(_report(vulns=[]), [], TODAY) == []


def test_what_was_not_audited_is_not_clean() -> None:
    assert dependencies.judge(_report(skip_reason="not found"), [], TODAY) == ["fruit: not audited: not found"]


def test_a_weakness_is_accepted_until_its_day_and_for_its_package_only() -> None:
    assert dependencies.judge(_KNOWN, [_accepted(TODAY)], TODAY) == []
    assert dependencies.judge(_KNOWN, [_accepted(date(2029, 12, 31))], TODAY) != []
    assert dependencies.judge(_KNOWN, [_accepted(TODAY, "CVE-2")], TODAY) != []


def test_what_is_accepted_has_a_reason_and_a_day() -> None:
    assert all(one.reason and one.until for one in dependencies.accepted())


def test_every_pin_is_audited() -> None:
    pins = dependencies.pinned_for_development()
    assert {"pytest", "pydantic", "moto[server]"} <= {pin.partition("==")[0] for pin in pins}
