"""Each part's loopback port: fixed by the environment, else the one of the last start, else a free one."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

from infra.local.processes import LocalCloudError, free_port

_PREFIX = "ORCHARD_LOCAL_PORT_"


class Ports:
    """The ports of one data folder. They stay the same over restarts, since others may have stored our addresses."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "ports.json"
        self._kept: dict[str, int] = json.loads(self._path.read_text()) if self._path.exists() else {}

    def choose(self, name: str) -> int:
        """A port for this part, e.g. MiniProgramApi, which ORCHARD_LOCAL_PORT_MINIPROGRAMAPI can fix.

        Raises LocalCloudError when the fixed port is taken or no port number.
        """
        variable = _PREFIX + name.upper()
        fixed = os.environ.get(variable)
        if fixed is not None:
            if not fixed.isdigit() or not _is_free(int(fixed)):
                raise LocalCloudError(f"{variable}={fixed} is taken or no port: choose another, or unset it.")
            return int(fixed)
        kept = self._kept.get(name)
        port = kept if kept and _is_free(kept) else free_port()
        self._kept[name] = port
        self._path.write_text(json.dumps(self._kept))
        return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: connections of the last run that wait for their end do not occupy the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
    return True
