"""Job: delete sessions, idempotency rows, published and consumed events past their time."""

from orchard.runtime.jobs import Job
from orchard.runtime.purge import purge_expired_rows

job = Job("purge_expired_rows", purge_expired_rows)
handler = job.handler
