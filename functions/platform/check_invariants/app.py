"""Job: check what must always hold; log and count what does not."""

from orchard.audit.walking import check_in_turn
from orchard.runtime import walks
from orchard.runtime.database import STATEMENT_TIMEOUT_SECONDS, Connection
from orchard.runtime.jobs import Counts, Job, TimeLeft
from orchard.runtime.logs import count, gauge, logger


def check_invariants(connection: Connection, time_left: TimeLeft) -> Counts:
    run = check_in_turn(connection, time_left)
    for violation in run.violations.values():
        logger.error("invariant violated", rule=violation.code, title=violation.title, rows=violation.rows)
    count("InvariantViolations", len(run.violations))
    gauge("OldestInvariantPassSeconds", connection.run(walks.oldest_pass_seconds))
    return {"violations": len(run.violations), "rows": run.rows.total()}


job = Job("check_invariants", check_invariants, item_seconds=STATEMENT_TIMEOUT_SECONDS + 5)
handler = job.handler
