"""Job: ask WeChat Pay about payments that brought no notification."""

from orchard.runtime.jobs import Job
from orchard.workflows.ask_wechat import ASK_SECONDS, sync_payments

job = Job("sync_payments", sync_payments, item_seconds=ASK_SECONDS)
handler = job.handler
