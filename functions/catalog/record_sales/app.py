"""order.paid: add what was sold to the sales counts."""

from orchard.catalog.service import changes
from orchard.runtime.queues import Worker

worker = Worker("record_sales", changes.record_sales)

handler = worker.handler
