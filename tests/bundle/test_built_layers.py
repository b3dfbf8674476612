"""What `sam build` makes for deployment: every function and nothing beside it, layers for arm64 with all bytecode."""

from pathlib import Path

import pytest

from infra.build.artefacts import Artefacts
from infra.build.bundle import BUILT
from infra.functions import declared
from tests.support.built import artefacts_or_skip

LAYERS = ("DependenciesLayer", "CommonLayer")
# PEP 552: hash-based, and the source is never looked at.
_UNCHECKED = 0b01


@pytest.fixture(scope="module")
def artefacts() -> Artefacts:
    return artefacts_or_skip()


def _files(folder: Path, pattern: str) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob(pattern) if path.is_file()}


def test_every_function_is_its_handler_alone(artefacts: Artefacts) -> None:
    for function in declared():
        (built,) = [path for path in artefacts.functions.joinpath(function.resource).rglob("*") if path.is_file()]
        assert built.read_bytes() == (function.folder / "app.py").read_bytes()
        assert built.name == "app.py"


@pytest.mark.parametrize("layer", LAYERS)
def test_every_module_of_the_layer_has_its_bytecode(layer: str, artefacts: Artefacts) -> None:
    tag = f"cpython-{artefacts.runtime.replace('.', '')}"
    folder = BUILT / layer / "python"
    sources = sorted(folder.rglob("*.py"))
    assert sources
    for source in sources:
        compiled = source.parent / "__pycache__" / f"{source.stem}.{tag}.pyc"
        assert compiled.is_file(), compiled
        assert int.from_bytes(compiled.read_bytes()[4:8], "little") == _UNCHECKED
    assert {path.suffixes[-2] for path in folder.rglob("*.pyc")} == {f".{tag}"}


def test_machine_code_is_for_the_deployed_architecture(artefacts: Artefacts) -> None:
    libraries = [path for path in (BUILT / "DependenciesLayer").rglob("*.so*") if path.is_file()]
    assert libraries
    # ELF: class at byte 4, machine at 18; 0xB7 is AArch64.
    assert {library.read_bytes()[18:20] for library in libraries} == {b"\xb7\x00"}
    assert list((BUILT / "CommonLayer").rglob("*.so*")) == []


def test_what_runs_here_is_what_deploys(artefacts: Artefacts) -> None:
    deployed, here = BUILT / "DependenciesLayer" / "python", artefacts.layers[1]
    assert artefacts.layers[0] == BUILT / "CommonLayer" / "python"
    modules = _files(deployed, "*.py")
    assert modules == _files(here, "*.py")
    assert [path for path in modules if (deployed / path).read_bytes() != (here / path).read_bytes()] == []
