"""How an answer goes wrong on the wire: dropped connections and stalls. Needs werkzeug's own server."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import Any, NoReturn

from werkzeug.wrappers import Request

from .faults import Call, Fault, FaultBoard, Planned


def drop(request: Request) -> NoReturn:
    """Close the connection without an answer (a reset where the system allows it)."""
    connection = request.environ.get("werkzeug.socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ConnectionResetError("dropped on request")


def stall(request: Request, plan: Planned, stopping: threading.Event) -> NoReturn:
    """Keep the caller waiting for the plan's value in real seconds (default 30), then drop it.

    `stopping` is set when the server ends, so that stalled answers do not hold it up.
    """
    stopping.wait(float(plan.value or 30))
    drop(request)


def after_commit(request: Request, faults: FaultBoard, call: Call, stopping: threading.Event) -> None:
    """Lose the answer of a call that was carried out, where a fault asks for it."""
    if faults.take(Fault.RESET_AFTER, call):
        drop(request)
    if plan := faults.take(Fault.STALL, call):
        stall(request, plan, stopping)


def sample(value: Any, default: Any) -> Any:
    """Return a fault's value, or the default where none was given."""
    return default if value is None else value
