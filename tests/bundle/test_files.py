"""What is committed: files of a readable length, no secret, nothing of the machine it was written on."""

import re
import subprocess
from pathlib import Path

import pytest

from infra.functions import ROOT

LONGEST = 300
_LISTED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
_FILES = [ROOT / name for name in _LISTED if (ROOT / name).is_file()]
_SOURCES = [path for path in _FILES if path.suffix in {".py", ".sql"}]
# Written in pieces, so that this file does not find itself.
_UNWANTED = {
    "private key": re.compile("-----BEGIN [A-Z ]*PRIVATE " + r"KEY-----\s*\S{20}"),
    "AWS access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "home or work folder": re.compile(r"(?<![\w.<>{}*-])/(?:ro" + r"ot|ho" + r"me/\w+|wo" + r"rk|Us" + r"ers/\w+)/\w"),
    "package index": re.compile("py" + r"pi\.org|pythonho" + r"sted|npm" + r"js\.(?:org|com)"),
    "written-out secret": re.compile(
        r"""(?i)(?:password|secret|api_?v?3?_?key|token)["']?\s*[=:]\s*["'](?=\w*\d)(?=\w*[a-z])[\w+/=-]{20,}["']"""
    ),
}


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_files_stay_short() -> None:
    assert len(_SOURCES) > 20
    assert {str(path.relative_to(ROOT)): _lines(path) for path in _SOURCES if _lines(path) > LONGEST} == {}


@pytest.mark.parametrize("kind", sorted(_UNWANTED))
def test_nothing_unwanted_is_committed(kind: str) -> None:
    found = []
    for path in _FILES:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {match[0][:60]}" for match in _UNWANTED[kind].finditer(text)]
    assert found == []


def test_patterns_find_what_they_look_for() -> None:
    samples = {
        "private key": "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIEpAIBAAKCAQEA0123456789",
        "AWS access key": "AKIA" + "0123456789ABCDEF",
        "home or work folder": "see /ho" + "me/someone/orchard",
        "package index": "https://py" + "pi.org/simple",
        "written-out secret": 'api_v3_key = "' + "k3" * 16 + '"',
    }
    assert all(_UNWANTED[kind].search(sample) for kind, sample in samples.items())
    assert samples.keys() == _UNWANTED.keys()
