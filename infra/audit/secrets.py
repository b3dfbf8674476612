"""Secrets among the tracked files and in all of history: `python -m infra.audit.secrets`. Works offline.

The detectors are detect-secrets' own, those that know a secret by its shape; entropy alone cries wolf at every digest.
To them come rules for what only this shop has: openids and phone numbers of people.
"""

import io
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import transient_settings

ROOT = Path(__file__).resolve().parents[2]
_DETECTORS = (
    "AWSKeyDetector", "AzureStorageKeyDetector", "BasicAuthDetector", "DiscordBotTokenDetector", "GitHubTokenDetector",
    "GitLabTokenDetector", "JwtTokenDetector", "NpmDetector", "OpenAIDetector", "PrivateKeyDetector",
    "PypiTokenDetector", "SendGridDetector", "SlackDetector", "SquareOAuthDetector", "StripeDetector",
    "TelegramBotTokenDetector", "TwilioKeyDetector",
)  # fmt: skip
# WeChat's openids begin with o and are 28 long; words and digests do not mix capitals, small letters and digits so,
# and a row of noughts is nobody's.
_OPENID = re.compile(r"\bo(?![\w-]*0{6})(?=[\w-]*[0-9])(?=[\w-]*[A-Z])(?=[\w-]*[a-z])[\w-]{27}(?![\w-])")
_PHONE = re.compile(r"(?<![\w.+-])1[3-9][0-9]{9}(?![\w.])")
# Numbers that tests write: nobody's, by their look.
_PLAIN_PHONE = re.compile(r"(\d)\1{3}|1234567|7654321|13800138000")
_LARGEST = 1_000_000
# Looked at: they hold no secret, only its shape. Path, then what the detector calls it.
_KNOWN = {
    ("tests/functions/catalog/test_import_catalogue.py", "Basic Auth Credentials"),
    ("tests/scenarios/test_api_document.py", "JSON Web Token"),
    ("tests/unit/gateways/test_wechat_pay_signing.py", "Private Key"),
}


@dataclass(frozen=True, order=True)
class Found:
    """Where something that looks like a secret is. The text itself is never repeated."""

    path: str
    line: int
    kind: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.kind}"


def scan(files: list[Path], root: Path) -> list[Found]:
    """What the files hold, in their order of path and line; names are relative to `root`."""
    found: set[Found] = set()
    with transient_settings({"plugins_used": [{"name": name} for name in _DETECTORS]}):
        collection = SecretsCollection(root=str(root))
        for file in files:
            collection.scan_file(str(file.relative_to(root)))
        found |= {Found(name, secret.line_number, secret.type) for name, secret in collection}
    for file in files:
        found |= set(_personal(str(file.relative_to(root)), file.read_text(encoding="utf-8", errors="replace")))
    return sorted(one for one in found if (one.path.partition("@")[0], one.kind) not in _KNOWN)


def _personal(name: str, text: str) -> Iterator[Found]:
    for number, line in enumerate(io.StringIO(text), 1):
        if _OPENID.search(line):
            yield Found(name, number, "openid")
        if any(not _PLAIN_PHONE.search(match[0]) for match in _PHONE.finditer(line)):
            yield Found(name, number, "phone number")


def tracked() -> list[Path]:
    """The files that git knows, as they stand in the folder."""
    return [path for path in (ROOT / name for name in _git("ls-files", "-z").split("\0") if name) if path.is_file()]


def history(folder: Path) -> list[Path]:
    """Every text that history once had and the folder no longer has, written to files called path@blob."""
    current = set(_git("ls-files", "-s").split())
    objects = [line.split(" ", 1) for line in _git("rev-list", "--objects", "--all").splitlines() if " " in line]
    gone = {blob: name for blob, name in objects if blob not in current and name}
    answer = subprocess.run(
        ["git", "cat-file", "--batch"], cwd=ROOT, input="\n".join(gone).encode(), capture_output=True, check=True
    ).stdout
    files, at = [], 0
    while at < len(answer):
        end = answer.index(b"\n", at)
        blob, kind, size = answer[at:end].decode().split()
        content, at = answer[end + 1 : end + 1 + int(size)], end + 2 + int(size)
        if kind == "blob" and len(content) <= _LARGEST and b"\0" not in content:
            file = folder / f"{gone[blob]}@{blob[:12]}"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            files.append(file)
    return files


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def main() -> int:
    """Scan the folder and all of history; 1 if anything was found."""
    found = scan(tracked(), ROOT)
    with tempfile.TemporaryDirectory() as folder:
        found += scan(history(Path(folder)), Path(folder))
    print("\n".join(map(str, found)) or "no secret in any tracked file, nor in history")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
