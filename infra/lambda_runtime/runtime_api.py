"""The Lambda runtime API of one execution environment, as far as a runtime client uses it.

Paths, headers and status codes: AWS Lambda developer guide, "Using the Lambda runtime API for custom runtimes".
"""

import json
import queue
import re
import sys
import threading
import time
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
_VERSION = "/2018-06-01"
_ANSWER = re.compile(rf"{_VERSION}/runtime/invocation/([0-9a-f-]+)/(response|error)")
_CLOSED = object()


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: the payload as JSON text, the error's type when the call failed, and when (`perf_counter`)."""

    payload: str
    error_type: str | None
    received: float


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call on its way to the runtime client; `deadline_ms` in Unix time."""

    payload: str
    function_arn: str
    deadline_ms: int
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))


class RuntimeApi:
    """Serves one runtime client on a loopback port. `replies` has an answer per call, or an init error as the first."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.replies: queue.SimpleQueue[Reply] = queue.SimpleQueue()
        # Set by the client's first question for work: its init phase is over then.
        self.initialised = threading.Event()
        self.initialised_at = 0.0
        self.under_way: str | None = None
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Host and port, as AWS_LAMBDA_RUNTIME_API has them."""
        return f"127.0.0.1:{self._server.server_port}"

    def send(self, invocation: Invocation) -> None:
        """Hand a call to the client as soon as it asks for one."""
        self._waiting.put(invocation)

    def next(self) -> Invocation | None:
        """What the client is to do next, waited for; None when this environment ends."""
        if not self.initialised.is_set():
            self.initialised_at = time.monotonic()
            self.initialised.set()
        work = self._waiting.get()
        if work is _CLOSED:
            return None
        self.under_way = work.request_id
        return work  # type: ignore[no-any-return]  # only calls and the end of calls are put there

    def accept(self, reply: Reply) -> None:
        """The client's answer to the call under way, or to being started."""
        self.under_way = None
        self.replies.put(reply)

    def close(self) -> None:
        """Stop serving; a client that waits for work is sent away."""
        self._waiting.put(_CLOSED)
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was ended leaves an open connection behind; everything else is told."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(api: RuntimeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        runtime_api = api

    return Handler


class _Handler(BaseHTTPRequestHandler):
    runtime_api: RuntimeApi
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    # Headers and body leave together; the client's next packet must not wait for an acknowledgement.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if self.path != f"{_VERSION}/runtime/invocation/next":
            self._answer(404, b"{}")
            return
        work = self.runtime_api.next()
        if work is None:
            self.close_connection = True
            return
        headers = {
            "Lambda-Runtime-Aws-Request-Id": work.request_id,
            "Lambda-Runtime-Deadline-Ms": str(work.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": work.function_arn,
            "Lambda-Runtime-Trace-Id": f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]};Sampled=0",
        }
        self._answer(200, work.payload.encode(), headers)

    def do_POST(self) -> None:
        received = time.perf_counter()
        body = self._body()
        found = _ANSWER.fullmatch(self.path)
        failed = self.path == f"{_VERSION}/runtime/init/error" or (found is not None and found[2] == "error")
        if found is None and not failed:
            self._answer(404, b"{}")
        elif found is not None and found[1] != self.runtime_api.under_way:
            self._answer(400, _problem("InvalidRequestID", "Invalid request ID"))
        elif len(body) > MAX_PAYLOAD_BYTES:
            too_large = _problem("Function.ResponseSizeTooLarge", "Response payload size exceeded 6291456 bytes.")
            self.runtime_api.accept(Reply(too_large.decode(), "Function.ResponseSizeTooLarge", received))
            self._answer(413, too_large)
        else:
            kind = self.headers.get("Lambda-Runtime-Function-Error-Type", "Unhandled") if failed else None
            self.runtime_api.accept(Reply(body.decode(), kind, received))
            self._answer(202, b'{"status":"OK"}')

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the library's name)
        """Say nothing: the functions' own log is the one to read."""


def _problem(kind: str, message: str) -> bytes:
    return json.dumps({"errorMessage": message, "errorType": kind}).encode()
