"""Job: publish committed events to the queues that subscribe to them."""

from orchard.runtime.jobs import Job
from orchard.runtime.relay import relay_outbox

job = Job("relay_outbox", relay_outbox)
handler = job.handler
