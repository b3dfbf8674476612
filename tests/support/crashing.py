"""Functions that die at a named point: the gateway's application with `crash_points.reached` replaced.

A file named after the point arms it, for the next process that gets there; whoever takes the file dies.
"""

import os
import signal
from enum import StrEnum
from pathlib import Path

from infra.local.gateway import Gateway

APPLICATION = "tests.support.crashing:app()"
_FOLDER = "crash_points"


class Death(StrEnum):
    """How a function ends at a point."""

    KILL = "kill"  # SIGKILL: nothing of the process runs any more
    TIMEOUT = "timeout"  # the platform's time limit, exactly here
    ERROR = "error"  # an exception nobody expects


class Broken(RuntimeError):
    """What is raised at a point that was armed with ERROR."""


class CrashPoints:
    """The armed points of one cloud's data folder, seen from the test."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / _FOLDER
        self._folder.mkdir(exist_ok=True)

    def arm(self, point: str, death: Death) -> None:
        """Let the next function that reaches the point die."""
        draft = self._folder / f".{point}"
        draft.write_text(death.value)
        draft.rename(self._folder / point)

    def armed(self) -> list[str]:
        """Points that nobody has reached since they were armed."""
        return sorted(path.name for path in self._folder.iterdir() if not path.name.startswith("."))

    def disarm(self) -> None:
        """Nobody dies any more."""
        for path in self._folder.iterdir():
            path.unlink()


def app() -> Gateway:
    """gunicorn's application. The points are replaced before workers are forked from this process."""
    from infra.local import gunicorn_conf

    folder = Path(os.environ["ORCHARD_LOCAL_GATEWAY"]).parent / _FOLDER
    gateway = gunicorn_conf.app()
    # The layer is on the path once the functions are loaded.
    die_where_armed(folder)
    return gateway


def die_where_armed(folder: Path) -> None:
    """Replace `reached` in this process."""
    from orchard.runtime import crash_points

    folder.mkdir(exist_ok=True)

    def reached(point: str) -> None:
        taken = folder / f".{point}.{os.getpid()}"
        try:
            (folder / point).rename(taken)
        except FileNotFoundError:
            return
        _die(Death(taken.read_text()), point)

    crash_points.reached = reached


def _die(death: Death, point: str) -> None:
    if death is Death.KILL:
        os.kill(os.getpid(), signal.SIGKILL)
    elif death is Death.TIMEOUT:
        # The local Lambda's own alarm: it ends the call here and retires the process.
        signal.raise_signal(signal.SIGALRM)
    raise Broken(point)


def die_after(steps: int) -> None:
    """Kill this process when it has reached so many points, whatever their names."""
    from orchard.runtime import crash_points

    left = iter(range(steps - 1))

    def reached(point: str) -> None:
        if next(left, None) is None:
            _die(Death.KILL, point)

    crash_points.reached = reached
