"""The seeded mistakes fit the tree as it is, name tests that exist, and leave no capability out."""

import difflib
import subprocess
from pathlib import Path

import pytest

from infra.functions import ROOT
from tests.teeth import patches
from tests.teeth.copies import Broken, Copy, Stale
from tests.teeth.patches import BadPatch, Patch
from tests.teeth.runs import Run, run

PATCHES = patches.every()
LEAST = 35
_MOST_LINES = 24
_LAYER = "layers/common/orchard"
# The rest of the layer decides nothing of its own, or is what the seeded mistakes are looked for with.
_PARTS = {path.name for path in (ROOT / _LAYER).iterdir() if path.is_dir() and path.name[0] != "_"}


def _name(patch: Patch) -> str:
    return patch.name


def test_there_are_enough_and_every_part_has_one() -> None:
    assert len(PATCHES) >= LEAST
    touched = {Path(name).relative_to(_LAYER).parts[0] for patch in PATCHES for name in patch.touched
               if name.startswith(_LAYER)}  # fmt: skip
    assert _PARTS - touched == set()


def test_all_of_them_fit_the_tree() -> None:
    stale = {}
    for patch in PATCHES:
        done = subprocess.run(
            ["git", "apply", "--check", str(patch.path)], cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode:
            stale[patch.name] = done.stderr
    assert stale == {}


@pytest.mark.parametrize("patch", PATCHES, ids=_name)
def test_a_seeded_mistake_is_small_and_names_tests_that_exist(patch: Patch) -> None:
    assert patches.missing_tests(patch) == []
    changed = [line for line in patch.path.read_text(encoding="utf-8").splitlines() if line[:1] in {"+", "-"}]
    assert len(changed) <= _MOST_LINES
    assert {name.split("/")[0] for name in patch.touched} <= {"layers", "functions", "infra", "template.yaml"}


def test_a_patch_without_its_header_is_refused(tmp_path: Path) -> None:
    bare = tmp_path / "bare.patch"
    bare.write_text("Mistake: something\n\n--- a/x.py\n+++ b/x.py\n", encoding="utf-8")
    with pytest.raises(BadPatch):
        patches.read(bare)


def _patch(folder: Path, name: str, before: str, after: str) -> Patch:
    path, file = folder / f"{name}.patch", f"{_LAYER}/core/money.py"
    text = (ROOT / file).read_text(encoding="utf-8")
    old, new = text.splitlines(keepends=True), text.replace(before, after).splitlines(keepends=True)
    diff = "".join(difflib.unified_diff(old, new, f"a/{file}", f"b/{file}"))
    path.write_text(f"Mistake: m\nCost: c\nTests: tests/unit/core/test_money.py\n\n{diff}", encoding="utf-8")
    return patches.read(path)


def test_a_mistake_is_told_from_a_broken_program_and_from_a_stale_patch(tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    copy = Copy(tmp_path / "copy")
    line = "    return payable * returned_units // units - already_refunded"
    tests = ["tests/unit/core/test_money.py"]
    copy.seed(_patch(tmp_path, "lost", line, "    return payable // units * returned_units - already_refunded"))
    end = run(copy, tests, 300)
    assert end == Run(by=end.by)
    assert end.by.startswith("tests/unit/core/test_money.py::")
    copy.clean()
    with pytest.raises(Broken):
        copy.seed(_patch(tmp_path, "nameless", line, "    return payable * returned_unit // units"))
    copy.clean()
    with pytest.raises(Broken):
        copy.seed(_patch(tmp_path, "unreadable", line, "    return payable * returned_units // units - ("))
    copy.clean()
    stale = _patch(tmp_path, "stale", line, "    return 0")
    stale.path.write_text(stale.path.read_text(encoding="utf-8").replace("payable *", "paid *"), encoding="utf-8")
    with pytest.raises(Stale):
        copy.seed(stale)
