"""Build tools that live in environments of their own, since their pins contradict the project's.

`python -m infra.build.tools sam` makes one of them ready; the other modules here do so by themselves.
"""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".cache" / "tools"
# The SAM command line pins pydantic to another minor version than the functions use.
PACKAGES = {
    "checkov": "checkov==3.3.30",
    "pip-audit": "pip-audit==2.10.1",
    "sam": "aws-sam-cli==1.170.0",
    "uv": "uv==0.13.9",
}
# Packages that run under the functions' interpreter, each in a folder of its own: AWS's client of Lambda's runtime API.
LIBRARIES = {"awslambdaric": "awslambdaric==4.2.2"}


def command(tool: str) -> Path:
    """The tool's executable, installed on first use (about a minute for sam). Raises CalledProcessError."""
    environment = FOLDER / tool
    stamp = environment / PACKAGES[tool]
    if not stamp.exists():
        print(f"installing {PACKAGES[tool]} into {environment.relative_to(ROOT)}", file=sys.stderr, flush=True)
        venv.create(environment, clear=True, with_pip=True)
        install = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", PACKAGES[tool]]
        subprocess.run(install, check=True, env=_without_our_path())
        stamp.touch()
    return environment / "bin" / tool


def _without_our_path() -> dict[str, str]:
    """Else pip would compare the tool's packages with the project's pins, and complain."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def library(name: str, python: Path) -> Path:
    """The folder that has this package for that interpreter, installed on first use. Raises CalledProcessError."""
    version = _minor_version(str(python))
    folder = FOLDER / f"{name}-{version}"
    stamp = folder / LIBRARIES[name]
    if not stamp.exists():
        print(f"installing {LIBRARIES[name]} into {folder.relative_to(ROOT)}", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        options = ["--root-user-action=ignore", "--only-binary=:all:", "--target", str(folder), LIBRARIES[name]]
        subprocess.run([*install, *options], check=True, env=_without_our_path())
        stamp.touch()
    return folder


def environment() -> dict[str, str]:
    """Variables for the SAM command line and the template's translator: no telemetry, and some region."""
    variables = os.environ | {"SAM_CLI_TELEMETRY": "0"}
    variables.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    return variables


def runtime_python(version: str) -> Path:
    """An interpreter of exactly this minor version, such as "3.13": bytecode loads in no other.

    Looks at ORCHARD_RUNTIME_PYTHON, PATH and pyenv's folder. Raises SystemExit with advice when there is none.
    """
    name = f"python{version}"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = [os.environ.get("ORCHARD_RUNTIME_PYTHON"), shutil.which(name)]
    candidates += sorted(str(path) for path in pyenv.glob(f"versions/{version}.*/bin/{name}"))
    for candidate in filter(None, candidates):
        if _minor_version(candidate) == version:
            return Path(candidate)
    raise SystemExit(f"{name} is needed to build the layers: install it or name it in ORCHARD_RUNTIME_PYTHON")


def _minor_version(python: str) -> str:
    script = "import sys; print('%d.%d' % sys.version_info[:2])"
    answer = subprocess.run([python, "-c", script], capture_output=True, text=True, check=False)
    return answer.stdout.strip()


if __name__ == "__main__":
    for wanted in sys.argv[1:]:
        print(command(wanted))
