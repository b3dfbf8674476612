"""order.placed, order.closed, stock.adjusted: keep the in-stock flags of products true."""

from orchard.catalog.service import changes
from orchard.runtime.queues import Worker

worker = Worker("refresh_availability", changes.refresh_availability)

handler = worker.handler
