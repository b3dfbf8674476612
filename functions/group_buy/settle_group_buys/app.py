"""Every minute: end the groups whose time is over, send the money of failed ones back."""

from orchard.runtime.jobs import Job
from orchard.workflows import settle_group_buys

job = Job("settle_group_buys", settle_group_buys.settle_group_buys)
handler = job.handler
