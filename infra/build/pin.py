"""Pin the functions' packages, with hashes, in layers/dependencies/requirements.txt.

`python -m infra.build.pin` resolves what pyproject.toml's [project] dependencies need on the functions' runtime.
"""

import subprocess
import tomllib
from pathlib import Path

from infra.build.tools import ROOT, command

REQUIREMENTS = ROOT / "layers" / "dependencies" / "requirements.txt"
_HEADER = "# Written by `python -m infra.build.pin` from pyproject.toml's dependencies.\n"
_OPTIONS = ["--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
_RUNTIME = ["--python-version", "3.13", "--python-platform", "aarch64-manylinux_2_28", "--only-binary", ":all:"]


def declared() -> list[str]:
    """The functions' direct requirements as pyproject.toml states them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [str(requirement) for requirement in project["dependencies"]]


def pinned(path: Path = REQUIREMENTS) -> dict[str, str]:
    """Package name to version of every pin, transitive ones included."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pins = (line.split()[0] for line in lines if "==" in line and not line.startswith("#"))
    return {pin.split("==")[0]: pin.split("==")[1] for pin in pins}


def resolve() -> str:
    """The new file's text. Raises CalledProcessError."""
    call = [str(command("uv")), "pip", "compile", "-", "--quiet", *_OPTIONS, *_RUNTIME]
    answer = subprocess.run(call, input="\n".join(declared()), text=True, stdout=subprocess.PIPE, check=True)
    return _HEADER + answer.stdout


if __name__ == "__main__":
    REQUIREMENTS.write_text(resolve(), encoding="utf-8")
    print("\n".join(f"{name} {version}" for name, version in pinned().items()))
