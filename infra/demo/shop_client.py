"""A shopper's phone: the calls that a mini-program makes, over HTTP, with nothing but the public API."""

import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import urllib3


class RefusedError(Exception):
    """The shop refused; `status` and the problem's stable `code` say why."""

    def __init__(self, method: str, path: str, status: int, problem: dict[str, Any]) -> None:
        self.status, self.code, self.problem = status, str(problem.get("code", "")), problem
        super().__init__(f"{method} {path}: {status} {self.code} {problem.get('detail', '')}")


@dataclass
class ShopClient:
    """One shopper at `api_url`. `log_in` keeps the token; every POST sends an Idempotency-Key."""

    api_url: str
    token: str | None = None
    _http: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(timeout=urllib3.Timeout(connect=5, read=35), retries=False)
    )

    def call(
        self, method: str, path: str, body: Any = None, *, query: dict[str, Any] | None = None, key: str | None = None
    ) -> Any:
        """One call; returns its JSON. Raises RefusedError for every status from 400 on."""
        status, answer = self.attempt(method, path, body, query=query, key=key)
        if status >= 400:
            raise RefusedError(method, path, status, answer if isinstance(answer, dict) else {})
        return answer

    def attempt(
        self, method: str, path: str, body: Any = None, *, query: dict[str, Any] | None = None, key: str | None = None
    ) -> tuple[int, Any]:
        """One call; returns status and JSON (None where there is none)."""
        headers = {"content-type": "application/json"}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        if method == "POST":
            headers["idempotency-key"] = key or secrets.token_hex(16)
        response = self._http.request(
            method, self.api_url + path + _query_string(query), headers=headers,
            **({"json": body} if body is not None else {}),
        )  # fmt: skip
        is_json = "json" in response.headers.get("content-type", "") and response.data
        return response.status, response.json() if is_json else None

    def log_in(self, code: str) -> dict[str, Any]:
        """Trade wx.login's code for a session."""
        answer: dict[str, Any] = self.call("POST", "/log-in", {"code": code})
        self.token = answer["token"]
        return answer


def _query_string(query: dict[str, Any] | None) -> str:
    return f"?{urlencode(query)}" if query else ""
