"""Job: report what waits, and for how long, as metrics to alarm on."""

from orchard.audit import health
from orchard.runtime.database import Connection
from orchard.runtime.jobs import Counts, Job, TimeLeft
from orchard.runtime.logs import gauge, logger


def report_health(connection: Connection, time_left: TimeLeft) -> Counts:
    gauges = health.gauges(connection)
    for name, value in gauges.items():
        gauge(name, value)
    logger.info("health", gauges=gauges)
    return {}


job = Job("report_health", report_health)
handler = job.handler
