"""Queue messages as the outbox relay sends them."""

import json
import secrets
from typing import Any

from orchard.core.ids import new_id


def message(topic: str, payload: dict[str, Any], *, event_id: int | None = None, subject: str = "s") -> dict[str, Any]:
    """One SQS record; the same `event_id` makes it the same event."""
    body = {"id": str(event_id or new_id()), "topic": topic, "subject": subject, "payload": payload}
    return {"messageId": secrets.token_hex(16), "body": json.dumps(body), "eventSource": "aws:sqs"}
