"""Work that a deployment does: invoked plainly, or by CloudFormation as a custom resource.

CloudFormation waits for an answer that is PUT to an address it made, and rolls the deployment back on FAILED. Format:
AWS CloudFormation User Guide, "Custom resource request and response reference".
"""

import time
from collections.abc import Callable
from typing import Any

from orchard.runtime.bodies import dump_json
from orchard.runtime.database import Connection, connection
from orchard.runtime.logs import count, invocation, logger, request_id_of

Outcome = dict[str, Any]
Work = Callable[[Connection], Outcome]
_ATTEMPTS = 3
_TIMEOUT_SECONDS = 10


class DeploymentStep:
    """The function behind one custom resource. `work` must be harmless to repeat; a deletion does nothing."""

    def __init__(self, name: str, work: Work) -> None:
        self._name = name
        self._work = work

    def handler(self, event: dict[str, Any], context: Any) -> Outcome:
        """Lambda entry point. A plain invocation returns the outcome or raises; CloudFormation is always answered."""
        with invocation(self._name, request_id_of(context)):
            if "RequestType" not in event:
                return self._done()
            outcome, reason = self._attempted(event["RequestType"], request_id_of(context))
            _put(event["ResponseURL"], _answer(self._name, event, outcome, reason))
            return outcome

    def _done(self) -> Outcome:
        outcome = self._work(connection)
        logger.info("deployment step done", outcome=outcome)
        return outcome

    def _attempted(self, request_type: str, request_id: str) -> tuple[Outcome, str | None]:
        if request_type == "Delete":
            return {}, None
        try:
            return self._done(), None
        except Exception as error:
            # Raising would only make Lambda run it again behind CloudFormation's back.
            logger.exception("deployment step failed")
            count("DeploymentStepsFailed")
            return {}, f"{type(error).__name__}; see the log of request {request_id}"


def _answer(name: str, event: dict[str, Any], outcome: Outcome, reason: str | None) -> bytes:
    body = {
        "Status": "SUCCESS" if reason is None else "FAILED",
        "Reason": reason or "",
        # Another id would make CloudFormation believe that the resource was replaced, and delete the old one.
        "PhysicalResourceId": event.get("PhysicalResourceId") or name,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": {key: dump_json(value) for key, value in outcome.items()},
    }
    return dump_json(body).encode()


def _put(url: str, body: bytes) -> None:
    from urllib.request import Request, urlopen

    if not url.startswith("https://"):
        raise ValueError("ResponseURL is not https")
    # The address is signed for an empty content type.
    request = Request(url, data=body, method="PUT", headers={"Content-Type": ""})  # noqa: S310 - https, see above
    for attempt in range(_ATTEMPTS):
        try:
            with urlopen(request, timeout=_TIMEOUT_SECONDS):  # noqa: S310 - https, see above
                return
        except OSError:
            logger.exception("CloudFormation not answered", attempt=attempt)
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(2**attempt)
