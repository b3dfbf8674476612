"""Check all invariants at once: `make invariants` and every test. The hourly function takes the same list in turns."""

from orchard.audit import coupons, group_buy, messages, money, orders, stock
from orchard.audit.rules import Rule, Violation
from orchard.runtime.database import Connection

RULES: tuple[Rule, ...] = (*stock.RULES, *money.RULES, *orders.RULES, *coupons.RULES, *group_buy.RULES, *messages.RULES)
ROWS_SHOWN = 5


def check(connection: Connection, *, settled: bool = True) -> list[Violation]:
    """The broken rules, none when the books are right.

    `settled=False` leaves out what only holds once queues are drained and sweeps have run.
    """
    violations = []
    for rule in RULES:
        if rule.settled and not settled:
            continue
        # mypy cannot infer a lambda with a default.
        rows = connection.run(lambda tx, rule=rule: tx.rows(f"{rule.sql} LIMIT {ROWS_SHOWN}", rule.params or None))  # type: ignore[misc]
        if rows:
            violations.append(Violation(rule.code, rule.title, tuple(rows)))
    return violations
