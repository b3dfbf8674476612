"""gunicorn's settings for the gateway: sync workers, so that each process serves one request at a time, as on Lambda.

The listeners and the number of workers come from the command line.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from infra.local.gateway import Gateway, application
from infra.local.guard import die_with_parent

worker_class = "sync"
# Functions are loaded once and the workers forked from there, as SnapStart resumes what it has initialised.
preload_app = True
# Functions are stopped by their own time-out; a long job is no hung worker.
timeout = 0
graceful_timeout = 5
limit_request_line = 0
limit_request_field_size = 65_536
# Bursts wait for a free process instead of being refused.
backlog = 1024
control_socket_disable = True

_worker: Any = None


def post_fork(_server: Any, worker: Any) -> None:
    global _worker  # noqa: PLW0603  # gunicorn has one worker per process and hands it only to hooks
    _worker = worker
    die_with_parent()


def _retire() -> None:
    """Let this process end after the current request: a function was stopped in the middle of its work."""
    _worker.alive = False


def app() -> Gateway:
    """The WSGI application, made once and inherited by each worker."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a text stream here
    return application(Path(os.environ["ORCHARD_LOCAL_GATEWAY"]), _retire)
