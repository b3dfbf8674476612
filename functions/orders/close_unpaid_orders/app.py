"""Job: close the orders whose time to pay is over."""

from orchard.runtime.jobs import Job
from orchard.workflows.close_order import CLOSE_SECONDS, close_unpaid_orders

job = Job("close_unpaid_orders", close_unpaid_orders, item_seconds=CLOSE_SECONDS)
handler = job.handler
