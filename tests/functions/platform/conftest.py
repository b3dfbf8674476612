"""SQS for the relay's tests: moto in this process, beside whatever else of AWS the run has set up."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from orchard.runtime import settings


@pytest.fixture
def sqs(database_server: Any) -> Iterator[Any]:
    aws = mock_aws()
    # Other fixtures keep a secret in there.
    aws.start(reset=False)
    try:
        client = boto3.client("sqs")
        yield client
        for url in client.list_queues().get("QueueUrls", []):
            client.delete_queue(QueueUrl=url)
    finally:
        aws.stop()


@pytest.fixture
def subscribe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Set the relay's subscriptions: `subscribe({"topic": [url]})`."""

    def to(subscriptions: dict[str, list[str]]) -> None:
        monkeypatch.setenv("ORCHARD_SUBSCRIPTIONS", json.dumps(subscriptions))
        settings.forget()

    yield to
    monkeypatch.undo()
    settings.forget()
