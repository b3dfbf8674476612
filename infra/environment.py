"""Makes the project's virtual environment: `python infra/environment.py FOLDER EXTRA`. Standard library only.

EXTRA is `local` (run the shop) or `dev` (tests and checks as well). A stamp in the folder says that EXTRA is installed;
make compares it with pyproject.toml.
"""

import subprocess
import sys
import venv
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_NO_PIP = """
{python} cannot make a virtual environment with pip in it. Any of these will mend it:
  Debian, Ubuntu:  sudo apt-get install python3-venv   (or python3-pip)
  Fedora, RHEL:    sudo dnf install python3-pip
  otherwise:       name another interpreter, e.g. make run PYTHON=/path/to/python3.12
"""
_NO_PACKAGES = """
The packages could not be installed: see pip's message above.
They come from PyPI, or from the index that pip is configured for; a proxy goes into HTTPS_PROXY. Then say make again.
"""


class EnvironmentFailedError(Exception):
    """The message says what is missing and how to mend it."""


def main(folder: Path, extra: str) -> None:
    """Make the environment if there is none, and install what EXTRA needs. Raises EnvironmentFailedError."""
    python = folder / "bin" / "python"
    if not (folder / "pyvenv.cfg").exists() or not python.exists():
        print(f"Making a virtual environment in {folder.name} with Python {sys.version.split()[0]} ...", flush=True)
        _make(folder)
    print(f"Installing what `{extra}` needs into {folder.name} (a minute or two, once) ...", flush=True)
    if _install(python, extra) != 0:
        raise EnvironmentFailedError(_NO_PACKAGES)
    (folder / f"{extra}.stamp").touch()


def _install(python: Path, extra: str) -> int:
    """Install, showing the lines of pip's talk that tell how far it is; its exit status."""
    options = ["--disable-pip-version-check", "--root-user-action=ignore", "--editable", f"{_ROOT}[{extra}]"]
    command = [str(python), "-m", "pip", "install", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as pip:  # noqa: S603  # our own command
        for line in pip.stdout or ():
            if line.startswith(
                ("Collecting ", "Processing ", "Installing collected", "Successfully installed orchard")
            ):
                print(f"  {line.strip()[:110]}", flush=True)
    return pip.returncode


def _make(folder: Path) -> None:
    """With pip from ensurepip; distributions that leave that out mostly have a pip that can install another one."""
    try:
        venv.create(folder, with_pip=True, clear=True)
    except (subprocess.CalledProcessError, ImportError, OSError):
        venv.create(folder, with_pip=False, clear=True)
        target = str(folder / "bin" / "python")
        install = [sys.executable, "-m", "pip", "--python", target, "install", "--quiet", "pip"]
        if subprocess.run(install, check=False).returncode != 0:  # noqa: S603  # our own command
            raise EnvironmentFailedError(_NO_PIP.format(python=sys.executable)) from None


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]).absolute(), sys.argv[2])
    except EnvironmentFailedError as error:
        sys.exit(str(error))
