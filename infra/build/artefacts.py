"""The built bundle, ready to run on this machine: what `sam build` made, an interpreter, AWS's runtime client.

Functions and the common layer are the very files that are deployed. The packages' layer holds machine code, so where
this machine's architecture is not the deployed one its Makefile builds it once more for this machine.
"""

import fcntl
import hashlib
import platform
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.build import bundle, layers
from infra.build.bundle import BUILT
from infra.build.tools import ROOT, library, runtime_python
from infra.local.bundle import Function

DEPLOYED_ARCHITECTURE = "aarch64"
_CACHE = ROOT / ".cache" / "artefacts"


class ArtefactsUnavailable(Exception):
    """This machine cannot run what is built here; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Artefacts:
    """An interpreter of the functions' runtime, the runtime client's folder, the functions' folder, and the folders
    of the layers for imports."""

    runtime: str
    python: Path
    client: Path
    functions: Path
    layers: tuple[Path, ...]

    def folder(self, function: Function) -> Path:
        """Where the function's build is."""
        return self.functions / function.name

    @property
    def search_path(self) -> list[Path]:
        """What PYTHONPATH holds: the layers, then the runtime client, as Lambda orders them."""
        return [*self.layers, self.client]


def built() -> Artefacts:
    """Build everything that has changed, and say where it is.

    Raises ArtefactsUnavailable, or CalledProcessError when a build fails.
    """
    try:
        python = runtime_python(bundle.RUNTIME)
    except SystemExit as missing:
        raise ArtefactsUnavailable(str(missing)) from None
    if sys.platform != "linux":
        raise ArtefactsUnavailable("the layers hold machine code for Linux")
    with _lock(BUILT.parent / "lock"):
        bundle.ensure()
    packages = _native_packages()
    client = library("awslambdaric", python)
    return Artefacts(bundle.RUNTIME, python, client, BUILT, (BUILT / "CommonLayer" / "python", packages / "python"))


def _native_packages() -> Path:
    """The packages' layer for this machine, built anew when its pins or its Makefile changed."""
    architecture = {"arm64": "aarch64"}.get(platform.machine(), platform.machine())
    if architecture == DEPLOYED_ARCHITECTURE:
        return BUILT / "DependenciesLayer"
    source = ROOT / "layers" / "dependencies"
    content = b"".join((source / name).read_bytes() for name in ("Makefile", "requirements.txt"))
    folder = _CACHE / f"{architecture}-{bundle.RUNTIME}-{hashlib.sha256(content).hexdigest()[:16]}"
    with _lock(_CACHE / "lock"):
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            layers.build(folder, architecture, bundle.RUNTIME, names=("DependenciesLayer",))
            (folder / "complete").touch()
    return folder / "DependenciesLayer"


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """One build of the same thing at a time on this machine."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
