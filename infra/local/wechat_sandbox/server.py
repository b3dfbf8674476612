"""A sandbox that serves: werkzeug's threaded server on loopback, in a thread of this process."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import struct
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from .app import SandboxApp
from .client import SandboxClient
from .config import SandboxConfig
from .notifier import Notifier
from .world import World

HOST = "127.0.0.1"
DATABASE_FILE = "sandbox.sqlite"
log = logging.getLogger(__name__)


class _Handler(WSGIRequestHandler):
    """Logs quietly, and turns a dropped call into a true reset: closing with no linger sends RST."""

    def connection_dropped(self, error: BaseException, environ: dict[str, Any] | None = None) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 (werkzeug's name)
        log.debug(message, *args)


class SandboxServer:
    """A context manager: `with SandboxServer() as sandbox: sandbox.url, sandbox.config, sandbox.client`.

    Without `data_dir` everything is in memory. With `notifier=False` (the default) notifications go out only
    by `client.deliver_notifications()`; else a thread delivers them when due. `port` 0 is any free port.
    """

    def __init__(
        self,
        config: SandboxConfig | None = None,
        data_dir: Path | None = None,
        port: int = 0,
        notifier: bool = False,
    ) -> None:
        if config is None:
            config = SandboxConfig.load_or_generate(data_dir) if data_dir else SandboxConfig.generate()
        self.config = config
        self.world = World(config, str(data_dir / DATABASE_FILE) if data_dir else ":memory:")
        self.postman = Notifier(self.world)
        self._deliver = notifier
        self._app = SandboxApp(self.world, self.postman)
        self._server = make_server(HOST, port, self._app, threaded=True, request_handler=_Handler)
        self.port = self._server.server_port
        self.url = f"http://{HOST}:{self.port}"
        self.client = SandboxClient(self.url)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def start(self) -> SandboxServer:
        """Serve (and deliver, where asked to) from threads of their own."""
        self._thread.start()
        if self._deliver:
            self.postman.start()
        return self

    def stop(self) -> None:
        """Stop serving and delivering, and close the database."""
        self._app.stopping.set()
        self.postman.stop()
        if self._thread.is_alive():  # shutdown() would wait for ever for a server that never served
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        self.client.close()
        self.world.store.close()

    def __enter__(self) -> SandboxServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
