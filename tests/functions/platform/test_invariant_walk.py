"""The hourly check: what it costs does not grow with the shop's age, and no row is left out for ever."""

from collections.abc import Callable
from typing import Any

import pytest

from orchard.audit import walking
from orchard.audit.invariants import RULES
from orchard.audit.rules import Rule
from orchard.audit.walking import Run, check_in_turn
from orchard.core import ids
from orchard.core.clock import utc_now
from orchard.core.ids import first_id_at, new_id
from orchard.runtime.database import Connection, Statement, Tx
from orchard.runtime.jobs import TimeLeft
from tests.functions.platform.test_every_rule import FAULTS, busy_till
from tests.support import calls
from tests.support.till import Till

__all__ = ["busy_till"]

# Bounded by what they read: keys live two days.
LITTLE = {"D1-answer", "D1-order"}
UNSETTLED = [rule for rule in RULES if not rule.settled]


def test_every_rule_is_cut_by_a_walk_or_looks_at_little() -> None:
    assert {rule.code for rule in UNSETTLED if rule.walk is None} == LITTLE
    assert all(("@window(" in rule.query) == (rule.walk is not None) for rule in RULES)
    assert all("@window(" not in text for rule in RULES for text in (rule.sql, rule.within(1, 2)))
    assert {rule.walk for rule in UNSETTLED if rule.walk} == {*walking.WALKS, *walking.STANDING}


def _windows(tx: Tx, walk: str) -> list[tuple[int, int]]:
    column = {**walking.WALKS, **walking.STANDING}[walk]
    ids = [row["id"] for row in tx.rows(f"SELECT DISTINCT {column} AS id FROM {walk} ORDER BY id")]
    # One row to a window; the last one reaches to the end, where rows may stand whose own row is gone.
    return list(zip([0, *ids], [*ids, (1 << 63) - 1], strict=True))


def _sees(tx: Tx, rule: Rule) -> bool:
    if rule.walk is None:
        return bool(tx.rows(rule.sql, rule.params or None))
    return any(tx.rows(rule.within(low, high), rule.params or None) for low, high in _windows(tx, rule.walk))


def test_slices_of_one_row_see_every_planted_fault_and_nothing_else(busy_till: Till) -> None:
    rules = {rule.code: rule for rule in UNSETTLED}
    assert busy_till.db.run(lambda tx: [code for code, rule in rules.items() if _sees(tx, rule)]) == []
    unseen = []
    for name, fault in FAULTS.items():
        rule = rules.get(name.split()[0])
        tx = busy_till.db.transaction()
        tx.execute(Statement(fault))
        unseen += [] if rule is None or _sees(tx, rule) else [name]
        tx.rollback()
    assert unseen == []


def _history(db: Connection, many: int, first: int = 1000) -> None:
    """Closed orders of long ago, sound by their own sums, each with a line, its stock's ledger and its events."""
    ids = range(first, first + many)
    orders = ", ".join(f"({n}, 'H{n}', 1, 'CLOSED', 2, 'pickup', '', 1, 5, 0, 0, 5, '{{}}', '2024-01-02', '2024-01-02',"
                       " '2024-01-02')" for n in ids)  # fmt: skip
    lines = ", ".join(f"({n}, {n}, 0, 1, 1, 1, '', '', '', 1, 5, 5, 5, 0, 0, 5)" for n in ids)
    events = ", ".join(f"({n}, 1, NULL, 'PENDING_PAY', 'member', ''), ({n}, 2, 'PENDING_PAY', 'CLOSED', 'system', '')"
                       for n in ids)  # fmt: skip
    ledger = ", ".join(f"({n}, 'RESERVE', '', NULL, {n}, 1, 1, 0, 1), ({n}, 'RELEASE', '', {n}, {n}, 1, 1, 0, -1)"
                       for n in ids)  # fmt: skip
    statements = [
        "INSERT IGNORE INTO stock (sku_id, location_id, on_hand, reserved) VALUES (1, 1, 0, 0)",
        "INSERT INTO orders (id, order_number, member_id, state, version, delivery_method, remark, line_count,"
        " goods_fen, discount_fen, freight_fen, payable_fen, trace, created_at, expires_at, closed_at)"
        f" VALUES {orders}",
        "INSERT INTO order_line (id, order_id, position, product_id, sku_id, location_id, product_name, sku_name,"
        " picture_url, quantity, unit_list_price_fen, unit_price_fen, gross_fen, discount_fen, freight_fen,"
        f" payable_fen) VALUES {lines}",
        f"INSERT INTO order_event (order_id, version, from_state, to_state, actor, reason) VALUES {events}",
        "INSERT INTO stock_ledger (line_id, kind, cause, settled_line_id, order_id, sku_id, location_id, delta_on_hand,"
        f" delta_reserved) VALUES {ledger}",
    ]
    db.run(lambda tx: tx.packet([Statement(sql) for sql in statements]))


def _rows_read(db: Connection, work: Callable[[], Any]) -> int:
    """Rows that the server touched meanwhile, by its own counters."""

    def counted(tx: Tx) -> int:
        return sum(int(row["Value"]) for row in tx.rows("SHOW SESSION STATUS LIKE 'Handler_read%%'", ()))

    before = db.run(counted)
    work()
    return db.run(counted) - before


def test_what_is_new_costs_the_same_however_old_the_shop_is(
    busy_till: Till,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def look() -> None:
        run = Run(busy_till.db, TimeLeft(None))
        run.look_at_little()
        run.look_at_recent()
        assert run.violations == {}
        assert run.rows["orders"] == 3

    figures = {}
    for history in (0, 500, 2000):
        _history(busy_till.db, history - 500 if history > 500 else history, first=1000 + history) if history else None
        for table in ("orders", "order_line", "order_event", "stock_ledger"):
            busy_till.db.run(lambda tx, table=table: tx.rows(f"ANALYZE TABLE {table}"))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        figures[history] = _rows_read(busy_till.db, look)
    with capsys.disabled():
        print(f"\nrows read for what is new, by closed orders of old: {figures}")
    # The optimiser may choose between two equally short ways, but nothing that grows with the history.
    assert figures[2000] <= figures[500] <= 1.2 * figures[0]


def test_a_pass_sees_every_row_once_and_then_rests(db: Connection) -> None:
    _history(db, 2500)
    run = check_in_turn(db, TimeLeft(None))
    assert run.violations == {}
    assert {walk: run.rows[walk] for walk in ("orders", "order_line", "stock")} == {
        "orders": 2500, "order_line": 2500, "stock": 1
    }  # fmt: skip
    assert check_in_turn(db, TimeLeft(None)).rows.total() == 0
    db.run(lambda tx: tx.execute(Statement("UPDATE walk_cursor SET started_at = started_at - INTERVAL 25 HOUR")))
    assert check_in_turn(db, TimeLeft(None)).rows["orders"] == 2500


class _Questions(TimeLeft):
    """Time for so many looks at the clock."""

    def __init__(self, number: int) -> None:
        super().__init__(None)
        self.left = number

    def __bool__(self) -> bool:
        self.left -= 1
        return self.left >= 0


def test_a_run_without_time_goes_on_where_it_stopped(db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "SLICE", 10)
    _history(db, 45)
    db.run(lambda tx: tx.execute(Statement("UPDATE orders SET line_count = 2 WHERE id = 1040")))
    seen, runs = 0, 0
    found: dict[str, Any] = {}
    while not found:
        runs += 1
        assert runs < 40
        run = check_in_turn(db, _Questions(120))
        seen, found = seen + run.rows["orders"], run.violations
    assert runs > 1
    # Slices of ten up to the one that holds the broken row, none of them twice.
    assert seen in {40, 45, 50}
    assert found["X3"].rows == ({"order_number": "H1040"},)


def test_the_function_tells_rules_rows_and_the_age_of_the_oldest_pass(
    db: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    _history(db, 5)
    db.run(lambda tx: tx.execute(Statement("UPDATE orders SET line_count = 2 WHERE id = 1003")))
    answer = calls.invoke("platform/check_invariants", {})
    assert answer["violations"] == 1
    assert answer["rows"] > 10
    assert '"OldestInvariantPassSeconds":[0' in capsys.readouterr().out
    age = "UPDATE walk_cursor SET completed_at = completed_at - INTERVAL 9 DAY WHERE walk = 'orders'"
    db.run(lambda tx: tx.execute(Statement(age)))
    calls.invoke("platform/check_invariants", {})
    assert '"OldestInvariantPassSeconds":[7776' in capsys.readouterr().out


def test_ids_of_a_moment_are_not_below_its_first(monkeypatch: pytest.MonkeyPatch) -> None:
    # Ids of a process never go back, and other tests may have moved its clock ahead.
    monkeypatch.setattr(ids, "_last_id", 0)
    before = first_id_at(utc_now())
    assert before <= new_id()
    assert new_id() < first_id_at(utc_now()) + (10_000 << 22)
