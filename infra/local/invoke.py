"""A client of the Invoke API, for everything that starts functions without HTTP routes."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any

from infra.local.processes import LocalCloudError


@dataclass(frozen=True, slots=True)
class Invocation:
    """How a call ended: `answer` is the function's, or the error's description when `failed`."""

    answer: Any
    failed: bool

    @property
    def error_text(self) -> str:
        """The error in a line; meaningful when `failed`."""
        answer = self.answer if isinstance(self.answer, dict) else {}
        return f"{answer.get('errorType', 'error')}: {answer.get('errorMessage', '')}"


def invoke(port: int, function: str, payload: Any, *, timeout_seconds: float = 910) -> Invocation:
    """Call a function and wait for it.

    Raises LocalCloudError when the function is unknown or the gateway cannot be reached.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_seconds)
    try:
        body = json.dumps(payload, ensure_ascii=False).encode()
        connection.request("POST", f"/2015-03-31/functions/{function}/invocations", body)
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise LocalCloudError(f"{function} could not be invoked: {error!r}") from None
    finally:
        connection.close()
    if response.status != 200:
        raise LocalCloudError(answer.get("message", f"{function}: HTTP {response.status}"))
    return Invocation(answer, response.getheader("X-Amz-Function-Error") is not None)
