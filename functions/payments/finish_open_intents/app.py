"""Job: finish whatever was begun at WeChat Pay and never ended."""

from orchard.runtime.jobs import Job
from orchard.workflows.finish_open_intents import INTENT_SECONDS, finish_open_intents

job = Job("finish_open_intents", finish_open_intents, item_seconds=INTENT_SECONDS)
handler = job.handler
