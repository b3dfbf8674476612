"""The WSGI application behind every HTTP API of the bundle and the Lambda Invoke API; the port says which is meant."""

from __future__ import annotations

import functools
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from infra.local.bundle import Bundle, Route
from infra.local.documents import document_page
from infra.local.events import HttpRequest, MalformedAnswerError, http_event, http_response
from infra.local.lambda_service import MAX_PAYLOAD_BYTES, Invoker, LambdaService
from infra.local.processes import LocalCloudError

# API Gateway's quotas for HTTP APIs; Lambda's own payload limit binds before the body limit does.
MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_HEADER_BYTES = 10_240
INTEGRATION_SECONDS = 30.0

_INVOKE = Map([Rule("/2015-03-31/functions/<name>/invocations", methods=["POST"])])
_SPARED_HEADERS = {"connection", "transfer-encoding", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"}


class RouteTable:
    """One API's routes, the most specific first; a path without the method is as unknown as no path at all."""

    def __init__(self, routes: Iterable[Route]) -> None:
        routes = sorted(routes, key=lambda route: route.method == "ANY")
        self._routes = [route for route in routes if route.path != "$default"]
        self._default = next((route for route in routes if route.path == "$default"), None)
        self._map = Map(
            [
                Rule(_rule(route.path), endpoint=index, methods=None if route.method == "ANY" else [route.method])
                for index, route in enumerate(self._routes)
            ],
            strict_slashes=True,
            merge_slashes=False,
        )

    def match(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route and its path parameters, or None."""
        try:
            index, values = self._map.bind("").match(path, method)
        except HTTPException:
            return (self._default, {}) if self._default else None
        route = self._routes[index]
        # The routing library answers HEAD wherever there is a GET; an HTTP API does not.
        return (route, dict(values)) if route.method in ("ANY", method) else None


def _rule(path: str) -> str:
    return path.replace("{proxy+}", "<path:proxy>").replace("{", "<").replace("}", ">")


class Gateway:
    """Routes by listener: `apis` maps ports to HTTP APIs, every other port is the Invoke API.

    `retire` is called when a function ran out of time: its process is not to be used again, as on Lambda.
    """

    def __init__(
        self,
        bundle: Bundle,
        service: Invoker,
        apis: Mapping[int, str],
        document: Path,
        retire: Callable[[], None],
    ) -> None:
        self._bundle, self._service, self._apis, self._retire = bundle, service, apis, retire
        self._tables = {api: RouteTable([r for r in bundle.routes if r.api == api]) for api in bundle.apis}
        self._document = document

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        api = self._apis.get(int(environ["SERVER_PORT"]))
        response = self._serve(api, request) if api else self._invoke(request)
        return response(environ, start_response)

    def _serve(self, api: str, request: Request) -> Response:
        if _header_bytes(request) > MAX_HEADER_BYTES:
            return _message(431, "Request Header Fields Too Large")
        found = self._tables[api].match(request.method, request.path)
        if found is None:
            page = document_page(self._document, request) if api == self._bundle.apis[0] else None
            return page or _message(404, "Not Found")
        body = _read_body(request)
        if body is None:
            return _message(413, "Request Entity Too Large")
        route, values = found
        event = json.dumps(http_event(self._bundle, route, _http_request(request, body), values), ensure_ascii=False)
        if len(event.encode()) > MAX_PAYLOAD_BYTES:
            return _message(413, "Request Entity Too Large")
        return self._answer(route.function, event)

    def _answer(self, function: str, event: str) -> Response:
        outcome = self._service.invoke(function, event, limit_seconds=INTEGRATION_SECONDS)
        if outcome.timed_out:
            self._retire()
            within = self._bundle.function(function).timeout < INTEGRATION_SECONDS
            return _message(500, "Internal Server Error") if within else _message(503, "Service Unavailable")
        if outcome.error:
            return _message(500, "Internal Server Error")
        try:
            answer = http_response(json.loads(outcome.payload))
        except MalformedAnswerError as error:
            print(f"Malformed answer of {function}: {error}", flush=True)
            return _message(500, "Internal Server Error")
        response = Response(answer.body, answer.status)
        response.headers.remove("Content-Type")
        response.headers.extend(answer.headers)
        response.headers["Apigw-Requestid"] = uuid.uuid4().hex[:16]
        return response

    def _invoke(self, request: Request) -> Response:
        """Lambda's Invoke API, synchronous: X-Amz-Function-Error says that the payload is an error."""
        try:
            _, values = _INVOKE.bind("").match(request.path, request.method)
        except HTTPException:
            return _message(404, "Not Found")
        payload = request.get_data() or b"{}"
        if len(payload) > MAX_PAYLOAD_BYTES:
            return _message(413, "Request must be smaller than 6291456 bytes for the InvokeFunction operation")
        try:
            outcome = self._service.invoke(values["name"], payload.decode())
        except LocalCloudError as error:
            return _message(404, str(error))
        if outcome.timed_out:
            self._retire()
        headers = {"X-Amz-Function-Error": "Unhandled"} if outcome.error else {}
        return Response(outcome.payload, 200, headers, content_type="application/json")


def _header_bytes(request: Request) -> int:
    """The request line and the headers, as they came over the wire."""
    line = len(f"{request.method} {request.environ.get('RAW_URI', request.full_path)} HTTP/1.1\r\n".encode())
    return line + sum(len(name) + len(value.encode()) + 4 for name, value in request.headers)


def _read_body(request: Request) -> bytes | None:
    """The body, or None when it is longer than an HTTP API takes."""
    stream = request.stream
    body: bytes = stream.read(MAX_BODY_BYTES + 1)
    if len(body) <= MAX_BODY_BYTES:
        return body
    # Callers that write before they read would otherwise see a reset instead of the answer.
    while stream.read(1024 * 1024):
        pass
    return None


def _http_request(request: Request, body: bytes) -> HttpRequest:
    source = request.remote_addr or "127.0.0.1"
    headers = [(name, value) for name, value in request.headers if name.lower() not in _SPARED_HEADERS]
    headers += [
        ("x-amzn-trace-id", f"Root=1-{uuid.uuid4().hex[:8]}-{uuid.uuid4().hex[:24]}"),
        ("x-forwarded-for", source),
        ("x-forwarded-port", request.environ["SERVER_PORT"]),
        ("x-forwarded-proto", request.scheme),
    ]
    return HttpRequest(
        method=request.method,
        path=request.path,
        query=request.query_string.decode("latin-1"),
        headers=headers,
        body=body,
        source_ip=source,
        protocol=request.environ["SERVER_PROTOCOL"],
    )


def _message(status: int, text: str) -> Response:
    return Response(json.dumps({"message": text}), status, content_type="application/json")


@functools.cache
def _json(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def application(configuration: Path, retire: Callable[[], None]) -> Gateway:
    """The application, from the file that the supervisor wrote, with every function loaded: ready to be forked."""
    settings = _json(configuration)
    bundle = Bundle.load(Path(settings["bundle"]))
    service = LambdaService(bundle, settings["environment"])
    service.preload()
    apis = {int(port): api for port, api in settings["apis"].items()}
    return Gateway(bundle, service, apis, Path(settings["document"]), retire)
