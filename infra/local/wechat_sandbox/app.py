"""The WSGI application: one routing map over Pay v3, the server API, the control API and the page."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import Map
from werkzeug.wrappers import Request, Response

from . import control_api, page, pay_api, server_api
from .errors import PayError
from .notifier import Notifier
from .world import World

LARGEST_BODY = 1 << 20
LOOPBACK = ("127.0.0.1", "localhost", "::1")
log = logging.getLogger(__name__)


class SandboxApp:
    """A sandbox as a WSGI application. `stopping` ends stalled answers."""

    def __init__(self, world: World, postman: Notifier) -> None:
        self.world = world
        self.control = control_api.Control(world, postman)
        self.stopping = threading.Event()
        self._map = Map(
            [*pay_api.rules(), *server_api.rules(), *control_api.rules(), *page.rules()], merge_slashes=False
        )

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        request.max_content_length = LARGEST_BODY
        return self._respond(request)(environ, start_response)

    def _respond(self, request: Request) -> Response:
        try:
            endpoint, args = self._map.bind_to_environ(request.environ).match()
            return self._dispatch(request, endpoint, dict(args))
        except NotFound as error:
            if request.path.startswith("/v3/"):
                return pay_api.refuse(self.world, request, PayError(404, "NOT_FOUND", "请求的接口不存在"))
            return Response(error.get_body(), status=404, content_type="text/html; charset=utf-8")
        except HTTPException as error:
            return Response.force_type(error.get_response(request.environ), request.environ)

    def _dispatch(self, request: Request, endpoint: str, args: dict[str, Any]) -> Response:
        if endpoint in pay_api.HANDLERS:
            return pay_api.respond(self.world, request, endpoint, args, self.stopping)
        if endpoint in server_api.HANDLERS:
            return server_api.respond(self.world, request, endpoint, self.stopping)
        if not _from_here(request):
            return Response("the sandbox is controlled from this machine only\n", status=403)
        if endpoint in control_api.HANDLERS:
            return control_api.respond(self.control, request, endpoint)
        return page.respond(self.control, request, endpoint)


def _from_here(request: Request) -> bool:
    """Refuse other web pages (by Origin) and names rebound to this machine (by Host)."""
    host = urlsplit(f"//{request.host}").hostname
    origin = request.headers.get("Origin")
    return host in LOOPBACK and (origin is None or urlsplit(origin).netloc == request.host)
