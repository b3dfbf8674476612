"""The AWS services around the functions: a moto server with the bundle's queues and secrets."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from infra.local.bundle import Bundle
from infra.local.processes import (
    Child,
    LocalCloudError,
    accepts_connections,
    free_port,
    tail,
    wait_until,
    write_private,
)

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_START_SECONDS = 60.0
# moto's own command line, less a log line for each request: pollers make several a second.
_SERVER = (
    "import logging, sys; from moto.server import main; "
    "logging.getLogger('werkzeug').setLevel(logging.ERROR); main(sys.argv[1:])"
)


class LocalAws:
    """A moto server on a loopback port. It keeps everything in memory; `save_messages` and `restore_messages` carry
    the queues' content over a clean restart.
    """

    def __init__(self, folder: Path, log: Path, region: str, *, port: int | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._region = region
        self._log = log
        self._messages = folder / "messages.json"
        self._child: Child | None = None
        self.environment = {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_ACCESS_KEY_ID": f"LOCAL{secrets.token_hex(8).upper()}",
            "AWS_SECRET_ACCESS_KEY": secrets.token_urlsafe(30),
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def launch(self) -> None:
        """Begin to start; `wait_ready` waits for it."""
        command = [sys.executable, "-c", _SERVER, "-H", "127.0.0.1", "-p", str(self.port)]
        self._child = Child(command, log=self._log, environment=os.environ | self.environment, grace_seconds=3)

    def wait_ready(self) -> None:
        if not wait_until(lambda: accepts_connections(self.port), seconds=_START_SECONDS, alive=self.running):
            raise LocalCloudError(
                f"The moto server did not start on port {self.port}. Its log, {self._log}:\n{tail(self._log)}"
            )

    def running(self) -> bool:
        return self._child is not None and self._child.running()

    def stop(self) -> None:
        if self._child:
            self._child.stop()
            self._child = None

    def sqs(self) -> SQSClient:
        """A client for use in one thread."""
        return self._session().client("sqs", endpoint_url=self.url, config=Config(read_timeout=60))

    def put_secret(self, name: str, value: Mapping[str, Any]) -> None:
        client = self._session().client("secretsmanager", endpoint_url=self.url)
        client.create_secret(Name=name, SecretString=json.dumps(value))

    def create_queues(self, bundle: Bundle) -> dict[str, str]:
        """Make every queue with its redrive policy; logical id -> URL."""
        sqs = self.sqs()
        urls = {
            queue.name: sqs.create_queue(QueueName=queue.queue_name, Attributes=queue.attributes)["QueueUrl"]  # type: ignore[arg-type]  # names come from the template
            for queue in bundle.queues
        }
        names = {queue.name: queue.queue_name for queue in bundle.queues}
        for queue in bundle.queues:
            if queue.dead_letter:
                target = bundle.arn("sqs", names[queue.dead_letter])
                policy = {"deadLetterTargetArn": target, "maxReceiveCount": str(queue.max_receive_count)}
                sqs.set_queue_attributes(QueueUrl=urls[queue.name], Attributes={"RedrivePolicy": json.dumps(policy)})
        return urls

    def waiting_messages(self, urls: Iterable[str]) -> int:
        """How many messages these queues hold, those under way included."""
        sqs = self.sqs()
        return sum(
            int(count)
            for url in urls
            for count in sqs.get_queue_attributes(
                QueueUrl=url,
                AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
            )["Attributes"].values()
        )

    def save_messages(self, bundle: Bundle, urls: Mapping[str, str]) -> None:
        """Write what the queues still hold into the data folder; call when nobody reads them any more."""
        sqs = self.sqs()
        kept: dict[str, list[str]] = {}
        for queue in bundle.queues:
            while messages := sqs.receive_message(
                QueueUrl=urls[queue.name], MaxNumberOfMessages=10, WaitTimeSeconds=0, VisibilityTimeout=600
            ).get("Messages"):
                kept.setdefault(queue.name, []).extend(message["Body"] for message in messages)
        write_private(self._messages, json.dumps(kept))

    def restore_messages(self, urls: Mapping[str, str]) -> None:
        if not self._messages.exists():
            return
        sqs = self.sqs()
        for name, bodies in json.loads(self._messages.read_text()).items():
            for body in bodies if name in urls else []:
                sqs.send_message(QueueUrl=urls[name], MessageBody=body)
        self._messages.unlink()

    def _session(self) -> boto3.Session:
        return boto3.Session(
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            region_name=self._region,
        )
