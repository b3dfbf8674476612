"""Worker: send the refunds that were asked for."""

from orchard.runtime.queues import Worker
from orchard.workflows.send_refunds import send_requested_refund

worker = Worker("send_refunds", react=send_requested_refund)
handler = worker.handler
