"""A seeded mistake as its file tells it: what it is, what it would cost a shop, which tests must fail, and the diff."""

import re
from dataclasses import dataclass
from pathlib import Path

from infra.functions import ROOT

FOLDER = Path(__file__).parent
_FIELD = re.compile(r"^(Mistake|Cost|Tests):[ ]*(.*(?:\n[ ]+\S.*)*)", re.MULTILINE)
_TOUCHED = re.compile(r"^\+\+\+ b/(\S+)$", re.MULTILINE)


class BadPatch(ValueError):
    """The file does not say what a patch here must say."""


@dataclass(frozen=True, slots=True)
class Patch:
    """`tests` are pytest node ids, `touched` the files that it changes; both relative to the root."""

    path: Path
    mistake: str
    cost: str
    tests: tuple[str, ...]
    touched: tuple[str, ...]

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem


def read(path: Path) -> Patch:
    """Raises BadPatch for a missing field, or for a diff that changes nothing."""
    text = path.read_text(encoding="utf-8")
    header, found, diff = text.partition("\n--- a/")
    fields = {match[1]: " ".join(match[2].split()) for match in _FIELD.finditer(header)}
    touched = tuple(_TOUCHED.findall(found + diff))
    if not touched or not all(fields.get(name) for name in ("Mistake", "Cost", "Tests")):
        raise BadPatch(f"{path.name}: needs Mistake, Cost, Tests and a diff")
    return Patch(path, fields["Mistake"], fields["Cost"], tuple(fields["Tests"].split()), touched)


def every() -> list[Patch]:
    """All of them, by name."""
    return [read(path) for path in sorted(FOLDER.glob("*.patch"))]


def missing_tests(patch: Patch, root: Path = ROOT) -> list[str]:
    """Those of the named tests that are not there any more."""
    return [test for test in patch.tests if not _is_there(root, *test.partition("::")[::2])]


def _is_there(root: Path, file: str, name: str) -> bool:
    path = root / file
    function = re.compile(rf"^def {re.escape(name.partition('[')[0])}\(", re.MULTILINE)
    return path.is_file() and (not name or bool(function.search(path.read_text(encoding="utf-8"))))
