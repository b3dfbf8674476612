"""Calling a function the way API Gateway does: its real handler, on an exact HTTP API event (payload 2.0)."""

import base64
import importlib.util
import json
import secrets
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Context:
    """The part of Lambda's context object that functions read."""

    aws_request_id: str
    function_name: str = "function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws-cn:lambda:cn-north-1:000000000000:function:function"
    milliseconds: int = 60_000

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; `json` is None where the body is not JSON."""

    status: int
    headers: dict[str, str]
    text: str
    json: Any

    @property
    def code(self) -> str | None:
        """The stable error code of a problem+json answer."""
        return self.json.get("code") if isinstance(self.json, dict) else None


@cache
def load_function(name: str) -> ModuleType:
    """The module of `capability/verb_noun`, under a name of its own (all are called app.py)."""
    path = ROOT / "functions" / name / "app.py"
    spec = importlib.util.spec_from_file_location("functions_" + name.replace("/", "_"), path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def invoke(name: str, event: dict[str, Any], *, milliseconds: int = 60_000) -> Any:
    """Run a function's handler on an event and return what it returns."""
    return load_function(name).handler(event, Context(secrets.token_hex(16), milliseconds=milliseconds))


def http_event(
    method: str,
    path: str,
    *,
    body: Any = None,
    query: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    """An HTTP API event. `body`: bytes go base64-encoded, str as they are, anything else as JSON."""
    merged = {"host": "localhost", "content-type": "application/json", **(headers or {})}
    http = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "tests"}
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "rawQueryString": urlencode(query or {}, doseq=True),
        "headers": {name.lower(): value for name, value in merged.items()},
        "requestContext": {"http": http, "stage": "$default", "requestId": secrets.token_hex(8), "timeEpoch": 0},
        "isBase64Encoded": isinstance(body, bytes),
    }
    if query:
        joined = {k: ",".join(map(str, v)) if isinstance(v, list) else str(v) for k, v in query.items()}
        event["queryStringParameters"] = joined
    if body is not None:
        event["body"] = _encoded(body)
    return event


def _encoded(body: Any) -> str:
    if isinstance(body, bytes):
        return base64.b64encode(body).decode()
    return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)


def answer_of(raw: dict[str, Any]) -> Answer:
    """The answer API Gateway would send for what a handler returned."""
    headers = {name.lower(): str(value) for name, value in (raw.get("headers") or {}).items()}
    for name, values in (raw.get("multiValueHeaders") or {}).items():
        headers.setdefault(name.lower(), ", ".join(values))
    text = raw.get("body") or ""
    is_json = "json" in headers.get("content-type", "") and text
    return Answer(raw["statusCode"], headers, text, json.loads(text) if is_json else None)


def call(
    function: str,
    method: str,
    path: str,
    *,
    token: str | None = None,
    key: str | None = "auto",
    body: Any = None,
    query: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """Call an HTTP function. POSTs get a fresh Idempotency-Key unless `key` is given (None leaves it out)."""
    merged = dict(headers or {})
    if token is not None:
        merged["authorization"] = f"Bearer {token}"
    if key is not None and method == "POST":
        merged["idempotency-key"] = secrets.token_hex(16) if key == "auto" else key
    return answer_of(invoke(function, http_event(method, path, body=body, query=query, headers=merged)))
