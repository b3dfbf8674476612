"""What roles allow, compared with what functions were seen to call.

Calls are read from a recording of moto's server, where each function signed with a key of its own. Names of actions:
AWS Service Authorization Reference.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

_SIGNED_BY = re.compile(r"Credential=(?P<key>\w+)/\d+/(?P<region>[\w-]+)/(?P<service>[\w-]+)/aws4_request")
# One permission covers a call and its batch.
_BATCHES = re.compile(r"^(sqs:\w+)Batch$")
# What a call names in its body, as the resource in its policy; a secret's ARN ends in six characters of AWS's choice.
_NAMED_BY = {"sqs": "QueueUrl", "secretsmanager": "SecretId"}
_POLLING = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"}


@dataclass(frozen=True, order=True, slots=True)
class Call:
    """One function's call of one action; `resource` is an ARN, or "*" where none is named that is known here."""

    key: str
    action: str
    resource: str


@dataclass(frozen=True, order=True, slots=True)
class Grant:
    """One action on one resource that a role's policies allow, or deny; `conditional` under some circumstances."""

    action: str
    resource: str
    effect: str
    conditional: bool

    def covers(self, action: str, resource: str) -> bool:
        """Whether the statement speaks of this action on this resource."""
        return _matches(self.action.lower(), action.lower()) and _matches(self.resource, resource)


def recorded_calls(recording: Path, account: str) -> set[Call]:
    """Every different call in a recording. Raises ValueError for one whose action cannot be told."""
    return set(_calls(map(json.loads, recording.read_text(encoding="utf-8").splitlines()), account))


def _calls(entries: Iterable[Mapping[str, Any]], account: str) -> Iterator[Call]:
    for entry in entries:
        headers = {name.lower(): value for name, value in entry["headers"].items()}
        signed = _SIGNED_BY.search(headers.get("authorization", ""))
        if signed:
            body = base64.b64decode(entry["body"]) if entry["body_encoded"] else str(entry["body"]).encode()
            operation, content = _asked(headers, body.decode(), entry["url"])
            service = signed["service"]
            action = _BATCHES.sub(r"\1", f"{service}:{operation}")
            yield Call(signed["key"], action, _resource(service, signed["region"], account, content))


def _asked(headers: Mapping[str, str], body: str, url: str) -> tuple[str, Mapping[str, Any]]:
    """The operation and what it was given: AWS's JSON protocols name it in a header, the query protocol in the body."""
    if "x-amz-target" in headers:
        return headers["x-amz-target"].rpartition(".")[2], json.loads(body or "{}")
    form = {name: values[0] for name, values in parse_qs(body).items()}
    if "Action" not in form:
        raise ValueError(f"no known way to tell the action of {url}")
    return form["Action"], form


def _resource(service: str, region: str, account: str, content: Mapping[str, Any]) -> str:
    given = str(content.get(_NAMED_BY.get(service, ""), ""))
    if not given:
        return "*"
    if given.startswith("arn:"):
        return given
    name = urlsplit(given).path.rpartition("/")[2] if service == "sqs" else f"secret:{given}-AbCdEf"
    return f"arn:aws:{service}:{region}:{account}:{name}"


def grants(role: Mapping[str, Any], managed: Iterable[Mapping[str, Any]] = ()) -> set[Grant]:
    """What a role's own policies and the `managed` ones say, with everything in them resolved."""
    documents = [policy["PolicyDocument"] for policy in [*role.get("Policies", []), *managed]]
    return {
        Grant(action, resource, statement["Effect"], "Condition" in statement)
        for document in documents
        for statement in document["Statement"]
        for action in _list(statement["Action"])
        for resource in _list(statement["Resource"])
    }


def allowed(call: Call, held: Iterable[Grant]) -> bool:
    """Whether these grants let the call through. A condition never allows and always denies: nothing is assumed."""
    about = [grant for grant in held if grant.covers(call.action, call.resource)]
    denied = any(grant.effect == "Deny" for grant in about)
    return not denied and any(grant.effect == "Allow" and not grant.conditional for grant in about)


def used_by_lambda(grant: Grant, consumed: Iterable[str], destinations: Iterable[str]) -> bool:
    """Whether Lambda itself needs the grant: for logs, network interfaces, queues it polls, places for failures.

    `consumed` and `destinations` are the ARNs of queues that the role's functions read, or leave failures in.
    """
    service, _, _ = grant.action.partition(":")
    polled = grant.action in _POLLING and grant.resource in consumed
    failed = grant.action == "sqs:SendMessage" and grant.resource in destinations
    return service in {"logs", "ec2"} or polled or failed


def _matches(pattern: str, text: str) -> bool:
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def _list(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]
