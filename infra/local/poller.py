"""Feeds queues to functions, as Lambda's event source mappings do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.bundle import Bundle, Queue, Subscription
from infra.local.events import queue_event
from infra.local.invoke import Invocation
from infra.local.processes import LocalCloudError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

Message = Mapping[str, Any]
Invoke = Callable[[str, Any], Invocation]
_WAIT_SECONDS = 1
_PAUSE_AFTER_ERROR_SECONDS = 2.0


class Poller:
    """One queue and its function, in a thread of its own.

    Messages whose handling failed stay hidden for the queue's visibility time-out; the queue's redrive policy moves
    them to the dead-letter queue in the end. At `stop` they are made visible at once, so that they can be saved.
    """

    def __init__(
        self,
        bundle: Bundle,
        subscription: Subscription,
        url: str,
        sqs: SQSClient,
        invoke: Invoke,
        report: Callable[[str], None],
    ) -> None:
        self._bundle, self._subscription, self._url = bundle, subscription, url
        self._queue: Queue = next(queue for queue in bundle.queues if queue.name == subscription.queue)
        self._sqs, self._invoke, self._report = sqs, invoke, report
        self._hidden: dict[str, str] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._loop, name=f"poller-{subscription.queue}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wind_down(self) -> None:
        """Take no further batch; does not wait."""
        self._over.set()

    def stop(self) -> None:
        """Finish the batch under way."""
        self.wind_down()
        if self._thread.is_alive():
            self._thread.join()
        for receipt in self._hidden.values():
            # Messages that were deleted or came back meanwhile refuse this, which is fine.
            try:
                self._sqs.change_message_visibility(QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=0)
            except (ClientError, BotoCoreError):
                continue

    def _loop(self) -> None:
        while not self._over.is_set():
            try:
                batch = self._gather()
                if batch:
                    self._deliver(batch)
            except (ClientError, BotoCoreError, LocalCloudError) as error:
                self._report(f"queue {self._subscription.queue}: {error}")
                self._over.wait(_PAUSE_AFTER_ERROR_SECONDS)

    def _gather(self) -> list[Message]:
        """Up to a batch; once there is a message, no longer than the batch window."""
        batch: list[Message] = []
        deadline = 0.0
        while not self._over.is_set():
            batch += self._receive(self._subscription.batch_size - len(batch), _WAIT_SECONDS if not batch else 0)
            if not batch:
                continue
            deadline = deadline or time.monotonic() + self._subscription.window
            if len(batch) >= self._subscription.batch_size or time.monotonic() >= deadline:
                break
            self._over.wait(0.05)
        return batch

    def _receive(self, count: int, wait_seconds: int) -> list[Message]:
        answer = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=min(10, count),
            WaitTimeSeconds=wait_seconds,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return list(answer.get("Messages", []))

    def _deliver(self, batch: list[Message]) -> None:
        self._hidden.update({message["MessageId"]: message["ReceiptHandle"] for message in batch})
        result = self._invoke(self._subscription.function, queue_event(self._bundle, self._queue, batch))
        failed = self._failed(batch, result)
        for message in batch:
            if message["MessageId"] not in failed:
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
                self._hidden.pop(message["MessageId"], None)
        if failed:
            self._report(f"{self._subscription.function}: {len(failed)} of {len(batch)} messages will come again")

    def _failed(self, batch: list[Message], result: Invocation) -> set[str]:
        """The ids of messages to keep: all of them when the function failed or its answer makes no sense."""
        everything = {message["MessageId"] for message in batch}
        if result.failed:
            return everything
        if not self._subscription.partial or not result.answer:
            return set()
        try:
            named = {failure["itemIdentifier"] for failure in result.answer["batchItemFailures"] or []}
        except (KeyError, TypeError):
            return everything
        return named if named <= everything else everything
