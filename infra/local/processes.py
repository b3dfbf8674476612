"""Child processes that never outlive us, locks on folders, free ports: what every part of the local cloud needs."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Self

_GUARD = Path(__file__).with_name("guard.py")


class LocalCloudError(Exception):
    """A step of the local cloud failed; the message says what is missing and how to mend it."""


class AlreadyRunningError(LocalCloudError):
    """Another live process holds the folder."""


class Startable(ABC):
    """Something that runs from `start` to `stop`; as a context manager, for the length of a block."""

    @abstractmethod
    def start(self) -> None:
        """Return when it can be used."""

    @abstractmethod
    def stop(self) -> None:
        """Return when nothing of it is left."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def free_port() -> int:
    """A TCP port on the loopback interface that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tail(path: Path, lines: int = 15) -> str:
    """The last lines of a log, for error messages."""
    if not path.exists():
        return ""
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as handle:
        handle.write(text)
    draft.replace(path)


def wait_until(ready: Callable[[], bool], *, seconds: float, alive: Callable[[], bool] = lambda: True) -> bool:
    """Poll until ready; False when the time is up or the process behind it has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if ready():
            return True
        if not alive():
            return False
        time.sleep(0.02)
    return False


def accepts_connections(port: int) -> bool:
    """Whether something listens on this loopback port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


class FolderLock:
    """An exclusive lock on a folder, held by this process and by the guards of its children.

    Raises AlreadyRunningError when a live process holds it; waits while a dead holder's children wind down.
    """

    def __init__(self, folder: Path, name: str = "lock", *, wait_seconds: float = 30) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / name
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._acquire(time.monotonic() + wait_seconds)
        except BaseException:
            os.close(self._fd)
            raise

    @property
    def fd(self) -> int:
        return self._fd

    def _acquire(self, deadline: float) -> None:
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                owner = self._owner()
                if (owner and is_alive(owner)) or time.monotonic() > deadline:
                    raise AlreadyRunningError(
                        f"{self._path.parent} is in use by process {owner or 'unknown'}. "
                        "Stop that one first (Ctrl-C in its terminal), or choose another data folder."
                    ) from None
                time.sleep(0.05)
            else:
                os.ftruncate(self._fd, 0)
                os.pwrite(self._fd, b"%d\n" % os.getpid(), 0)
                return

    def _owner(self) -> int | None:
        text = os.pread(self._fd, 32, 0).strip()
        return int(text) if text.isdigit() else None

    def release(self) -> None:
        if self._fd >= 0:
            # Emptied first: the descriptor's copies in children may hold the lock a moment longer.
            os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = -1


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Wait for this lock file as long as it takes: for steps that several processes may want to do at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def is_alive(pid: int) -> bool:
    """Whether a process of this id exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class Child:
    """A command under a guard: it ends when `stop` is called, and also when this process dies in any way."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path | None = None,
        environment: Mapping[str, str] | None = None,
        grace_seconds: float = 10,
        keep_fds: Sequence[int] = (),
        folder: Path | None = None,
    ) -> None:
        life_read, self._lifeline = os.pipe()
        status_read, status_write = os.pipe()
        self._grace = grace_seconds
        output: IO[bytes] | int = log.open("ab") if log else subprocess.PIPE
        guard = [sys.executable, "-I", "-S", str(_GUARD), str(grace_seconds), str(life_read), str(status_write)]
        self._guard = subprocess.Popen(
            [*guard, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output if log else None,
            env=dict(environment) if environment is not None else None,
            pass_fds=(life_read, status_write, *keep_fds),
            start_new_session=True,
            cwd=folder,
        )
        for descriptor in (life_read, status_write):
            os.close(descriptor)
        if not isinstance(output, int):
            output.close()
        with os.fdopen(status_read) as status:
            self.pid = int(status.readline() or 0)

    @property
    def stdout(self) -> IO[bytes]:
        """The command's output; only where no log was given."""
        if self._guard.stdout is None:
            raise ValueError("the output goes to a log file")
        return self._guard.stdout

    def running(self) -> bool:
        return self._guard.poll() is None

    def wait(self, seconds: float | None = None) -> int:
        """The command's exit status, 128 + n when signal n ended it."""
        return self._guard.wait(seconds)

    def stop(self) -> None:
        """Ask the command to end, kill it after the grace time."""
        if self._lifeline >= 0:
            with contextlib.suppress(BrokenPipeError):
                os.write(self._lifeline, b"x")
            os.close(self._lifeline)
            self._lifeline = -1
        self._guard.wait(self._grace + 10)
        if self._guard.stdout is not None:
            self._guard.stdout.close()

    def kill(self) -> None:
        """SIGKILL, as a fault would do it; returns when the process is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, 9)
        self.stop()
