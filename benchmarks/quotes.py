"""What a quote costs: its queries as the server counts them, and the CPU of this process."""

import statistics
import time

from orchard.orders.schemas.placing import QuoteRequest
from orchard.orders.service import quote
from orchard.runtime.database import Connection
from orchard.runtime.sessions import MemberSession


def queries(db: Connection, member: MemberSession, request: QuoteRequest) -> int:
    """SELECTs of one quote, once everything is warm."""

    def selects() -> int:
        row = db.run(lambda tx: tx.row("SHOW SESSION STATUS LIKE 'Com_select'"))
        return int(row["Value"]) if row else 0

    db.run(lambda tx: quote.quote_order(tx, member, request))
    before = selects()
    db.run(lambda tx: quote.quote_order(tx, member, request))
    return selects() - before


def cpu_ms(
    db: Connection, member: MemberSession, request: QuoteRequest, plain: QuoteRequest, rounds: int
) -> tuple[float, float]:
    """Median CPU (driver, pricing, schemas) of `request` with its campaigns, and of `plain` with none read; in turn."""
    samples: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(rounds):
        for placing, wanted in ((False, request), (True, plain)):
            began = time.process_time()
            # mypy cannot infer a lambda with a default.
            db.run(lambda tx, wanted=wanted, placing=placing: quote.evaluate(tx, member, wanted, placing=placing))  # type: ignore[misc]
            samples[placing].append((time.process_time() - began) * 1000)
    return statistics.median(samples[False]), statistics.median(samples[True])
