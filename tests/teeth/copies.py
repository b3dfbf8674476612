"""Copies of the tree to seed mistakes in: the files as they are now, committed or not, and never the originals."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from infra.functions import ROOT
from tests.teeth.patches import Patch

PYTHON = sys.executable
_SHARED = (".cache", ".venv")


class Stale(Exception):
    """The patch does not fit the tree any more."""


class Broken(Exception):
    """The patched tree is no program: a failing test would prove nothing."""


class Copy:
    """One copy below `folder`, a git repository of its own, whose first commit is the tree without mistakes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in _git(ROOT, "ls-files", "-co", "--exclude-standard").splitlines():
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        _git(folder, "init", "--quiet")
        _git(folder, "add", "--all")
        for name in _SHARED:
            if (ROOT / name).exists():
                (folder / name).symlink_to((ROOT / name).resolve())

    def seed(self, patch: Patch) -> None:
        """Make the mistake. Raises Stale, Broken."""
        done = subprocess.run(
            ["git", "apply", str(patch.path)], cwd=self.folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Stale(done.stderr.strip())
        self._check(patch)

    def clean(self) -> None:
        """Take every mistake out again."""
        _git(self.folder, "checkout", "--quiet", "--", ".")

    def environment(self) -> dict[str, str]:
        """What a process needs to load the copy and not the original."""
        return os.environ | {"PYTHONPATH": f"{self.folder / 'layers/common'}{os.pathsep}{self.folder}"}

    def _check(self, patch: Patch) -> None:
        sources = [name for name in patch.touched if name.endswith(".py")]
        modules = [name for name in sources if name.startswith("layers/common/")]
        imports = [f"import {name[len('layers/common/') : -len('.py')].replace('/', '.')}" for name in modules]
        ruff = [PYTHON, "-m", "ruff", "check", "--quiet", "--isolated", "--select", "E9,F63,F7,F82", *sources]
        for command in (ruff if sources else None, [PYTHON, "-c", "\n".join(imports)] if imports else None):
            if command is None:
                continue
            done = subprocess.run(
                command, cwd=self.folder, env=self.environment(), capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise Broken((done.stdout + done.stderr).strip()[-800:])


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout
