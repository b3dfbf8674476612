"""AWS's runtime client with a witness: `python -S observed.py DESCRIPTOR app.handler`, standard library only.

Writes a line of JSON to the descriptor for whatever Lambda's surroundings forbid or a cold start must not do: writing
to files, connecting, starting processes, compiling; and for every module that is run, with the file it came from.
"""

import json
import os
import runpy
import sys
import time
from typing import Any

_CHANGES = (
    "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown",
    "os.utime", "shutil.rmtree", "shutil.move", "shutil.copyfile",
)  # fmt: skip
_PROCESSES = ("subprocess.Popen", "os.exec", "os.fork", "os.posix_spawn", "os.system")
_KINDS = {
    **dict.fromkeys(_CHANGES, "write"),
    **dict.fromkeys(_PROCESSES, "process"),
    **dict.fromkeys(("socket.connect", "socket.getaddrinfo"), "connect"),
}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def _told(event: str, arguments: tuple[Any, ...]) -> tuple[str, str] | None:
    """What to report of an audit event: its kind, and what it was done to."""
    if event == "open":
        path, _, flags = arguments
        return ("write", os.fsdecode(path)) if isinstance(path, str | bytes) and flags & _WRITES else None
    if event == "exec":
        code = arguments[0]
        is_module = getattr(code, "co_name", "") == "<module>"
        return ("module", code.co_filename) if is_module else None
    if event == "import":
        return ("module", arguments[1]) if arguments[1] else None
    if event == "compile":
        return ("compile", str(arguments[1])) if str(arguments[1]).endswith(".py") else None
    kind = _KINDS.get(event)
    return (kind, f"{event} {arguments}") if kind else None


def main() -> None:
    """Hand over to the runtime client, as `python -m awslambdaric HANDLER` would."""
    descriptor, handler = int(sys.argv[1]), sys.argv[2]

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        told = _told(event, arguments)
        if told is not None:
            os.write(descriptor, json.dumps([time.monotonic(), *told]).encode() + b"\n")

    sys.argv = ["awslambdaric", handler]
    sys.path[0] = os.getcwd()
    sys.addaudithook(hook)
    runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
