"""Build every function and both layers into .aws-sam with `sam build`, ready for `sam deploy`.

`python -m infra.build.bundle [further options of sam build]`
"""

import os
import subprocess
import sys

from infra.build.layers import report
from infra.build.tools import ROOT, command, environment, runtime_python

RUNTIME = "3.13"


def build(options: list[str]) -> None:
    """Run `sam build`; unchanged parts come from its cache. Raises CalledProcessError."""
    python = runtime_python(RUNTIME)
    variables = environment()
    # SAM and the layers' Makefiles take the interpreter from PATH, where a version manager's shim may shadow it.
    variables["PATH"] = f"{python.parent}{os.pathsep}{variables['PATH']}"
    subprocess.run([command("sam"), "build", "--cached", *options], cwd=ROOT, env=variables, check=True)


if __name__ == "__main__":
    build(sys.argv[1:])
    artefacts = ROOT / ".aws-sam" / "build"
    print(report({name: artefacts / name for name in ("DependenciesLayer", "CommonLayer")}))
