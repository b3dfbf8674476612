"""How an answer goes wrong on the wire: dropped connections and stalls."""

from __future__ import annotations

import threading
from typing import NoReturn

from .faults import Call, Fault, FaultBoard, Planned


def drop() -> NoReturn:
    """Reset the connection without an answer; the server's handler does it when this error reaches it."""
    raise ConnectionResetError("dropped on request")


def stall(plan: Planned, stopping: threading.Event) -> NoReturn:
    """Keep the caller waiting for the plan's value in real seconds (default 30), then drop it.

    `stopping` is set when the server ends, so that stalled answers do not hold it up.
    """
    stopping.wait(plan.number(30))
    drop()


def after_commit(faults: FaultBoard, call: Call, stopping: threading.Event) -> None:
    """Lose the answer of a call that was carried out, where a fault asks for it."""
    if faults.take(Fault.RESET_AFTER, call):
        drop()
    if plan := faults.take(Fault.STALL, call):
        stall(plan, stopping)
