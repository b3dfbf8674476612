"""What the documents point at exists: files, headings, commands."""

import re
import subprocess
from pathlib import Path

import pytest

from infra.build.tools import ROOT

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_MAKE = re.compile(r"(?:^|`)make ([a-z][a-z-]*)", re.MULTILINE)
_TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)


def _documents() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return listed.split()


def _anchors(path: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", _documents())
def test_links_lead_somewhere(name: str) -> None:
    text = _FENCED.sub("", (ROOT / name).read_text(encoding="utf-8"))
    astray = []
    for link in _LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        path = (ROOT / name).parent / target if target else ROOT / name
        if not path.exists() or (anchor and anchor not in _anchors(path)):
            astray.append(link)
    assert astray == []


@pytest.mark.parametrize("name", _documents())
def test_commands_exist(name: str) -> None:
    targets = set(_TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))
    asked = set(_MAKE.findall((ROOT / name).read_text(encoding="utf-8")))
    assert asked - targets == set()


def test_every_page_is_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        links = (link.partition("#")[0] for link in _LINK.findall(page.read_text(encoding="utf-8")))
        found = {(page.parent / link).resolve() for link in links if link and not re.match(r"[a-z]+:", link)}
        pages = {path / "README.md" if path.is_dir() else path for path in found}
        folders = {file for path in found if path.is_dir() for file in path.glob("*.md")}
        waiting += [path for path in pages | folders if path.suffix == ".md" and path.exists() and path not in reached]
    lost = {name for name in _documents() if ROOT / name not in reached}
    assert lost == set()
