"""Job: finish whatever was begun at WeChat Pay and never ended."""

from orchard.runtime.jobs import Job
from orchard.workflows.finish_open_intents import finish_open_intents

job = Job("finish_open_intents", finish_open_intents)
handler = job.handler
