"""Runs one command and ends it as soon as the process that asked for it is gone, however that one died.

Started by `processes.Child` as `python -I -S guard.py GRACE LIFELINE STATUS COMMAND...`, standard library only.
LIFELINE is the read end of a pipe: a byte or its end means "stop". STATUS receives the command's process id.
The command is asked to end with SIGTERM and has GRACE seconds before its whole process group is killed.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies; Linux only, elsewhere the lifeline alone has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _end(child: "subprocess.Popen[bytes]", grace: float) -> None:
    child.terminate()
    try:
        child.wait(grace)
    except subprocess.TimeoutExpired:
        child.kill()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def main() -> int:
    grace, lifeline, status = float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    parent = os.getppid()
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # The guard has one thread, so preexec_fn is safe here.
    child = subprocess.Popen(sys.argv[4:], preexec_fn=_prepare_child, process_group=0, stdin=subprocess.DEVNULL)  # noqa: PLW1509
    with child:
        os.write(status, b"%d\n" % child.pid)
        os.close(status)
        while child.poll() is None:
            ready, _, _ = select.select([lifeline, wake_read], [], [], 1.0)
            if lifeline in ready or os.getppid() != parent:
                _end(child, grace)
            elif wake_read in ready:
                os.read(wake_read, 512)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _prepare_child() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    die_with_parent()


if __name__ == "__main__":
    sys.exit(main())
