"""Build every function and both layers into .aws-sam with `sam build`, ready for `sam deploy`.

`python -m infra.build.bundle [further options of sam build]`
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from infra.build.layers import report
from infra.build.tools import ROOT, command, environment, runtime_python

RUNTIME = "3.13"
BUILT = ROOT / ".aws-sam" / "build"


def build(options: list[str], *, quiet: bool = False) -> None:
    """Run `sam build`; unchanged parts come from its cache.

    Raises CalledProcessError, which has the output if `quiet`.
    """
    python = runtime_python(RUNTIME)
    variables = environment()
    # SAM and the layers' Makefiles take the interpreter from PATH, where a version manager's shim may shadow it.
    variables["PATH"] = f"{python.parent}{os.pathsep}{variables['PATH']}"
    call: list[str | Path] = [command("sam"), "build", "--cached", *options]
    output = subprocess.PIPE if quiet else None
    subprocess.run(call, cwd=ROOT, env=variables, check=True, stdout=output, stderr=output)


def ensure() -> None:
    """Build, unless what lies there was made from the very sources of now. Raises CalledProcessError."""
    stamp = BUILT / ".sources"
    sources = _sources()
    if not stamp.exists() or stamp.read_text(encoding="ascii") != sources:
        build([], quiet=True)
        # SAM makes its folder anew with each build, and the stamp goes with it.
        stamp.write_text(sources, encoding="ascii")


def _sources() -> str:
    """One digest of everything that goes into the build."""
    digest = hashlib.sha256()
    folders = (ROOT / "functions", ROOT / "layers", ROOT / "infra" / "database")
    files = (path for folder in folders for path in folder.rglob("*") if "__pycache__" not in path.parts)
    for path in sorted({ROOT / "template.yaml", *(path for path in files if path.is_file())}):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


if __name__ == "__main__":
    build(sys.argv[1:])
    print(report({name: BUILT / name for name in ("DependenciesLayer", "CommonLayer")}))
