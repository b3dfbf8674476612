"""The events that AWS hands to functions, in their exact shape, and what HTTP APIs make of the answers.

Shapes: API Gateway "Working with AWS Lambda proxy integrations for HTTP APIs" (payload format 2.0), Amazon SQS and
EventBridge Scheduler in the AWS Lambda and EventBridge Scheduler developer guides.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from infra.local.bundle import Bundle, Queue, Route, Schedule

Event = dict[str, Any]

# Only these reach a function as text; everything else, forms included, arrives in base64.
_TEXT_TYPES = ("text/", "application/json", "application/javascript", "application/xml")
_DEFAULT_TYPE = "text/plain;charset=UTF-8"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One HTTP request as it came; header names in any case, `query` undecoded."""

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    source_ip: str
    protocol: str = "HTTP/1.1"


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What goes back to the caller."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class MalformedAnswerError(Exception):
    """The function's answer is not one that an HTTP API accepts; the caller sees a 500."""


def http_event(bundle: Bundle, route: Route, request: HttpRequest, path_parameters: Mapping[str, str]) -> Event:
    """The payload format 2.0 event of a request."""
    cookies = [value for name, value in request.headers if name.lower() == "cookie"]
    headers = _joined((name.lower(), value) for name, value in request.headers if name.lower() != "cookie")
    event: Event = {
        "version": "2.0",
        "routeKey": route.key if route.path != "$default" else "$default",
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": headers,
        "requestContext": _request_context(bundle, route, request, headers),
    }
    if cookies:
        event["cookies"] = [cookie.strip() for line in cookies for cookie in line.split(";") if cookie.strip()]
    if request.query:
        event["queryStringParameters"] = _joined(parse_qsl(request.query, keep_blank_values=True))
    if path_parameters:
        event["pathParameters"] = dict(path_parameters)
    if request.body:
        event["body"], event["isBase64Encoded"] = _body(request.body, headers.get("content-type", ""))
    else:
        event["isBase64Encoded"] = False
    return event


def _request_context(bundle: Bundle, route: Route, request: HttpRequest, headers: Mapping[str, str]) -> Event:
    now = datetime.now(UTC)
    domain = headers.get("host", "localhost")
    return {
        "accountId": bundle.account,
        "apiId": route.api.lower(),
        "domainName": domain,
        "domainPrefix": domain.split(".")[0],
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": base64.urlsafe_b64encode(uuid.uuid4().bytes[:11]).decode(),
        "routeKey": route.key if route.path != "$default" else "$default",
        "stage": "$default",
        "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(now.timestamp() * 1000),
    }


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The values of a repeated name joined by a comma."""
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _body(body: bytes, content_type: str) -> tuple[str, bool]:
    if content_type.lower().startswith(_TEXT_TYPES):
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode(), True


def http_response(answer: Any) -> HttpResponse:
    """What an HTTP API sends for a function's answer, in format 2.0 or the implicit form.

    Raises MalformedAnswerError for an answer that an HTTP API turns into a 500.
    """
    if not isinstance(answer, dict) or "statusCode" not in answer:
        text = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
        return HttpResponse(200, [("content-type", "application/json")], text.encode())
    try:
        status = int(answer["statusCode"])
    except (TypeError, ValueError):
        raise MalformedAnswerError(f"statusCode is {answer['statusCode']!r}") from None
    headers = _answer_headers(answer.get("headers") or {})
    body = _answer_body(answer)
    if body and "content-type" not in dict(headers):
        headers.append(("content-type", _DEFAULT_TYPE))
    headers += [("set-cookie", cookie) for cookie in answer.get("cookies") or []]
    return HttpResponse(status, headers, body)


def _answer_headers(headers: Any) -> list[tuple[str, str]]:
    if not isinstance(headers, dict) or not all(isinstance(value, str | int | bool) for value in headers.values()):
        raise MalformedAnswerError("headers must map names to strings")
    return [
        (name.lower(), str(value).lower() if isinstance(value, bool) else str(value)) for name, value in headers.items()
    ]


def _answer_body(answer: Mapping[str, Any]) -> bytes:
    body = answer.get("body", "")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise MalformedAnswerError("body must be a string")
    return base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()


def schedule_event(bundle: Bundle, schedule: Schedule, due: datetime) -> Any:
    """The payload of one run: the target's input with its context attributes, else the scheduler's own event."""
    arn = bundle.arn("scheduler", f"schedule/default/{schedule.name}")
    time = due.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    execution = str(uuid.uuid4())
    if schedule.payload is None:
        return {
            "version": "0",
            "id": execution,
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": bundle.account,
            "time": time,
            "region": bundle.region,
            "resources": [arn],
            "detail": "{}",
        }
    text = schedule.payload
    attributes = {"schedule-arn": arn, "scheduled-time": time, "execution-id": execution, "attempt-number": "1"}
    for name, value in attributes.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return json.loads(text)


def queue_event(bundle: Bundle, queue: Queue, messages: Sequence[Mapping[str, Any]]) -> Event:
    """The event of a batch, from messages as ReceiveMessage returned them with all attributes."""
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": dict(message.get("Attributes", {})),
                "messageAttributes": {
                    name: _message_attribute(value) for name, value in message.get("MessageAttributes", {}).items()
                },
                "md5OfBody": message["MD5OfBody"],
                "eventSource": "aws:sqs",
                "eventSourceARN": bundle.arn("sqs", queue.queue_name),
                "awsRegion": bundle.region,
            }
            for message in messages
        ]
    }


def _message_attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    attribute: dict[str, Any] = {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
    if "StringValue" in value:
        attribute["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        attribute["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    return attribute
