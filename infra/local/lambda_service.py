"""Runs functions as Lambda does: one call at a time per process, each with its own environment and limits."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from infra.local.bundle import Bundle, Function
from infra.local.processes import LocalCloudError

MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
_INHERITED = ("PATH", "LANG", "LC_ALL", "HOME", "TMPDIR", "PYTHONPATH", "PYTHONUNBUFFERED", "SSL_CERT_FILE")
_CONTENT_TYPE = [("content-type", "application/json")]
Handler = Callable[[Any, Any], Any]


class TimedOut(BaseException):
    """The call's time is over. Not an Exception, so that handlers do not catch it by accident."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call ended with: its answer as JSON text, or an error; `timed_out` by the function's own limit or ours."""

    payload: str
    error: str | None = None
    timed_out: bool = False


class Invoker(Protocol):
    """Whatever runs functions by their name."""

    def invoke(self, name: str, payload: str, *, limit_seconds: float | None = None) -> Outcome:
        """Call a function with a JSON payload; `limit_seconds` is the caller's patience, beside the function's own."""


@dataclass(frozen=True, slots=True)
class Context:
    """The second argument of a handler."""

    function_name: str
    memory_limit_in_mb: str
    invoked_function_arn: str
    aws_request_id: str
    deadline: float
    function_version: str = "$LATEST"
    log_stream_name: str = "local"
    client_context: None = None
    identity: None = None

    @property
    def log_group_name(self) -> str:
        return f"/aws/lambda/{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.deadline - time.monotonic()) * 1000))


class LambdaService:
    """The functions of a bundle in this process; handlers are loaded at their first call and kept.

    `surroundings` are environment variables that every function gets beside its own, such as the AWS endpoint.
    """

    def __init__(self, bundle: Bundle, surroundings: Mapping[str, str]) -> None:
        self._bundle = bundle
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        self._surroundings = inherited | dict(surroundings)
        self._handlers: dict[str, Handler] = {}
        for layer in dict.fromkeys(layer for function in bundle.functions for layer in function.layers):
            if layer not in sys.path:
                sys.path.insert(0, layer)

    def preload(self) -> None:
        """Load every handler, as a snapshot of an initialised function does: processes forked later have them.

        One that fails to load is left out; its first call tries again and fails with the reason.
        """
        for function in self._bundle.functions:
            with _environment(self._environment(function)):
                try:
                    self._handler(function)
                except Exception:
                    print(f"{function.name} does not load:\n{traceback.format_exc()}", flush=True)

    def invoke(self, name: str, payload: str, *, limit_seconds: float | None = None) -> Outcome:
        """Call a function with a JSON payload. `limit_seconds` is the caller's patience, beside the function's own.

        Raises LocalCloudError for an unknown function.
        """
        function = self._bundle.function(name)
        seconds = min(function.timeout, limit_seconds or function.timeout)
        request_id = str(uuid.uuid4())
        started = time.monotonic()
        print(f"START RequestId: {request_id} Function: {function.short_name}", flush=True)
        with _environment(self._environment(function)):
            outcome = self._run(function, payload, request_id, seconds)
        duration = (time.monotonic() - started) * 1000
        ending = f" Error: {outcome.error}" if outcome.error else ""
        print(f"REPORT RequestId: {request_id} Duration: {duration:.1f} ms{ending}", flush=True)
        return outcome

    def _run(self, function: Function, payload: str, request_id: str, seconds: float) -> Outcome:
        try:
            with _time_limit(seconds):
                handler = self._handler(function)
                answer = handler(json.loads(payload), self._context(function, request_id))
                text = json.dumps(answer, ensure_ascii=False)
        except TimedOut:
            message = f"{request_id} Task timed out after {seconds:.2f} seconds"
            return _failure("Sandbox.Timedout", message, timed_out=True)
        except BaseException as error:
            # Whatever a function raises, SystemExit included, ends its call and not this process.
            traceback.print_exc()
            return _failure(type(error).__name__, str(error), stack=traceback.format_tb(error.__traceback__))
        if len(text.encode()) > MAX_PAYLOAD_BYTES:
            return _failure("Function.ResponseSizeTooLarge", "Response payload size exceeded 6291456 bytes.")
        return Outcome(text)

    def _context(self, function: Function, request_id: str) -> Context:
        return Context(
            function_name=function.name,
            memory_limit_in_mb=str(function.memory),
            invoked_function_arn=self._bundle.arn("lambda", f"function:{function.name}"),
            aws_request_id=request_id,
            deadline=time.monotonic() + function.timeout,
        )

    def _environment(self, function: Function) -> dict[str, str]:
        return {
            **self._surroundings,
            "TZ": ":UTC",
            "AWS_REGION": self._bundle.region,
            "AWS_DEFAULT_REGION": self._bundle.region,
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "LAMBDA_TASK_ROOT": function.folder,
            "_HANDLER": function.handler,
            **function.environment,
        }

    def _handler(self, function: Function) -> Handler:
        if function.name not in self._handlers:
            self._handlers[function.name] = _load(function)
        return self._handlers[function.name]


def _load(function: Function) -> Handler:
    """Import a function's module under a name of its own: all of them are called app."""
    module_name, attribute = function.handler.rsplit(".", 1)
    path = Path(function.folder) / f"{module_name}.py"
    if not path.is_file():
        raise LocalCloudError(f"{path}, the handler of {function.name}, does not exist")
    spec = importlib.util.spec_from_file_location(f"function_{function.name}", path)
    if spec is None or spec.loader is None:
        raise LocalCloudError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[spec.name]
        raise
    handler: Handler = getattr(module, attribute)
    return handler


def _failure(kind: str, message: str, *, stack: list[str] | None = None, timed_out: bool = False) -> Outcome:
    payload = {"errorMessage": message, "errorType": kind, **({"stackTrace": stack} if stack else {})}
    return Outcome(json.dumps(payload), f"{kind}: {message}", timed_out)


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Exactly these environment variables, for the time of one call."""
    before = dict(os.environ)
    if before != variables:
        os.environ.clear()
        os.environ.update(variables)
        time.tzset()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise TimedOut in this, the main thread, when the time is over."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise TimedOut

    previous = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
