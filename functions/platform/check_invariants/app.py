"""Job: check what must always hold; log and count what does not."""

from orchard.audit import invariants
from orchard.runtime.database import Connection
from orchard.runtime.jobs import Counts, Job, TimeLeft
from orchard.runtime.logs import count, logger


def check_invariants(connection: Connection, time_left: TimeLeft) -> Counts:
    # The shop is running: what only holds once queues are drained is left out.
    violations = invariants.check(connection, settled=False)
    for violation in violations:
        logger.error("invariant violated", rule=violation.code, title=violation.title, rows=violation.rows)
    count("InvariantViolations", len(violations))
    return {"violations": len(violations)}


job = Job("check_invariants", check_invariants)
handler = job.handler
