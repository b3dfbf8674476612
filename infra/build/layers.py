"""Build the layers without SAM and print their unzipped sizes.

`python -m infra.build.layers [--into FOLDER] [--architecture aarch64|x86_64] [--runtime 3.13]`

The layers' own Makefiles do the work, so what is measured and tested is what `sam build` ships. Other architectures
and versions than the template's are for running the result on the machine at hand.
"""

import argparse
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from infra.build.tools import ROOT, runtime_python

LAYERS = {"DependenciesLayer": "dependencies", "CommonLayer": "common"}
# Lambda's limit for a function and all its layers, unzipped.
LIMIT_MB = 250


def build(
    into: Path, architecture: str = "aarch64", runtime: str = "3.13", names: Iterable[str] = tuple(LAYERS)
) -> dict[str, Path]:
    """Build layers, both by default, below `into`; returns each layer's folder. Raises CalledProcessError."""
    python = runtime_python(runtime)
    folders = {name: into.resolve() / name for name in names}
    for name, folder in folders.items():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        makefile = ROOT / "layers" / LAYERS[name] / "Makefile"
        settings = [f"PYTHON={python}", f"RUNTIME={runtime}", f"ARCHITECTURE={architecture}"]
        target = [f"ARTIFACTS_DIR={folder}", f"build-{name}"]
        subprocess.run(["make", "--silent", "--makefile", makefile, *settings, *target], check=True)
    return folders


def size_mb(folder: Path, pattern: str = "*") -> float:
    """Bytes of all files below a folder, in millions."""
    return sum(path.stat().st_size for path in folder.rglob(pattern) if path.is_file()) / 1e6


def report(folders: dict[str, Path]) -> str:
    """One line per layer and the sum against Lambda's limit."""
    lines = [
        f"{name:20} {size_mb(folder):6.1f} MB unzipped, of which bytecode {size_mb(folder, '*.pyc'):5.1f} MB"
        for name, folder in folders.items()
    ]
    total = sum(size_mb(folder) for folder in folders.values())
    return "\n".join([*lines, f"{'together':20} {total:6.1f} MB of {LIMIT_MB} MB"])


def main() -> None:
    """Read the command line, build, print."""
    parser = argparse.ArgumentParser(description="build the layers and print their sizes")
    parser.add_argument("--into", type=Path, default=ROOT / ".cache" / "layers")
    parser.add_argument("--architecture", choices=["aarch64", "x86_64"], default="aarch64")
    parser.add_argument("--runtime", default="3.13")
    arguments = parser.parse_args()
    print(report(build(arguments.into, arguments.architecture, arguments.runtime)))


if __name__ == "__main__":
    main()
