"""The hourly check, at a cost that does not grow with the shop's age.

Every rule that looks at history names its walk: the table by whose ids its query can be cut into windows. Each run
looks at what is new, and then goes on through the rest of each table in slices, until its time is up. Whatever a later
change breaks in an old row is seen when the walk comes by again. Rules without a walk look at little by nature.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

from orchard.audit.invariants import ROWS_SHOWN, RULES
from orchard.audit.rules import Rule, Violation
from orchard.core.clock import utc_now
from orchard.core.ids import first_id_at
from orchard.runtime import walks
from orchard.runtime.database import Connection
from orchard.runtime.jobs import TimeLeft

# The table of each walk and its id column. Ids are in order of time, except where rows are standing figures.
WALKS = {
    "orders": "id", "order_line": "id", "payment_receipt": "id", "refund": "id", "money_posting": "entry_id",
    "coupon": "id", "group_buy_group": "id", "group_buy_member": "id",
}  # fmt: skip
# Caches of sums: a row costs as much as it has history of its own, so slices are short.
STANDING = {"stock": "sku_id", "coupon_template": "id", "group_buy_activity": "id"}
SLICE, STANDING_SLICE = 1000, 50
# Three runs look at each new row.
RECENT = timedelta(hours=3)
REST_HOURS = 24
_LAST_ID = (1 << 63) - 1
_ID_COLUMNS = {**WALKS, **STANDING}


@dataclass
class Run:
    """One run: what it found by rule, and how many rows of each walk it looked at."""

    connection: Connection
    time_left: TimeLeft
    violations: dict[str, Violation] = field(default_factory=dict)
    rows: Counter[str] = field(default_factory=Counter)

    def look_at_little(self) -> None:
        """The rules without a walk, whole."""
        for rule in RULES:
            if rule.walk is None and not rule.settled:
                self._ask(rule, rule.sql)

    def look_at_recent(self) -> None:
        """What is new, in slices."""
        for walk in WALKS:
            position = first_id_at(utc_now() - RECENT)
            while position < _LAST_ID:
                reached = self._slice(walk, position)
                if reached is None:
                    return
                position = reached

    def go_on(self) -> None:
        """One slice of each walk in turn, until every pass is done or the time is up."""
        resting: set[str] = set()
        for walk in (walk for _ in count() for walk in _ID_COLUMNS):
            if len(resting) == len(_ID_COLUMNS) or not self.time_left:
                return
            if walk not in resting and not self._go_on(walk):
                resting.add(walk)

    def _go_on(self, walk: str) -> bool:
        at = self.connection.run(lambda tx: walks.progress(tx, walk, REST_HOURS))
        if at.resting:
            return False
        reached = self._slice(walk, at.position)
        if reached == _LAST_ID:
            self.connection.run(lambda tx: walks.complete(tx, walk, at.position))
        elif reached is not None:
            self.connection.run(lambda tx: walks.advance(tx, walk, at.position, reached))
        return reached not in {None, _LAST_ID}

    def _slice(self, walk: str, low: int) -> int | None:
        """Look at the next slice behind `low`; the id that it reaches, or None when the time is up before its end."""
        column, limit = _ID_COLUMNS[walk], SLICE if walk in WALKS else STANDING_SLICE
        ids = f"SELECT {column} AS id FROM {walk} WHERE {column} > %s ORDER BY {column} LIMIT {limit}"
        found = self.connection.run(
            lambda tx: tx.rows(f"SELECT MAX(id) AS high, COUNT(*) AS number FROM ({ids}) AS slice", (low,))
        )[0]
        high = int(found["high"]) if found["number"] == limit else _LAST_ID
        for rule in RULES:
            if rule.walk == walk and not rule.settled:
                if not self.time_left:
                    return None
                self._ask(rule, rule.within(low, high))
        self.rows[walk] += int(found["number"])
        return high

    def _ask(self, rule: Rule, sql: str) -> None:
        rows = self.connection.run(lambda tx: tx.rows(f"{sql} LIMIT {ROWS_SHOWN}", rule.params or None))
        if rows and rule.code not in self.violations:
            self.violations[rule.code] = Violation(rule.code, rule.title, tuple(rows))


def check_in_turn(connection: Connection, time_left: TimeLeft) -> Run:
    """Look at what is little, at what is new, and at as much of the rest as there is time for.

    The shop is running: what only holds once queues are drained is left to the full check and to the gauges.
    """
    run = Run(connection, time_left)
    run.look_at_little()
    run.look_at_recent()
    run.go_on()
    return run
