"""Job report_health: every gauge tells the truth, is read from an index, and costs the same however old the shop is."""

import json
from typing import Any

import pytest

from orchard.audit import health
from orchard.core import clock
from orchard.core.ids import new_id
from orchard.runtime.database import Connection, Statement, escape, insert
from tests.support import calls
from tests.support.till import Till

# Rows of each kind that wait, and rows that look alike and are over.
OPEN = 5
OVER = 300


def emitted(capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    """The gauges of the last invocation, as CloudWatch would read them from the log."""
    capsys.readouterr()
    calls.invoke("platform/report_health", {})
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    (written,) = (line for line in lines if "_aws" in line)
    (directive,) = written["_aws"]["CloudWatchMetrics"]
    return {metric["Name"]: written[metric["Name"]][0] for metric in directive["Metrics"]}


def fill(db: Connection, table: str, count: int, **columns: str) -> None:
    names = ["id", *columns]
    values = ", ".join(f"({new_id()}, {', '.join(columns.values())})".replace("#", str(n)) for n in range(count))
    db.run(lambda tx: tx.execute(Statement(f"INSERT INTO {table} ({', '.join(names)}) VALUES {values}")))


def ago(seconds: int) -> str:
    return f"UTC_TIMESTAMP(6) - INTERVAL {seconds} SECOND"


def outbox(db: Connection, count: int, published: str) -> None:
    fill(db, "outbox", count, topic="'t'", subject="'s'", payload="'{}'", created_at=ago(40), published_at=published)


def payment_calls(db: Connection, count: int, over: bool) -> None:
    state, ended, again = ("'DONE'", ago(9), "NULL") if over else ("'UNKNOWN'", "NULL", ago(-60))
    fill(db, "payment_call", count, payment_id="1", kind="'PREPAY'", state=state, started_at=ago(90), next_try_at=again,
         ended_at=ended)  # fmt: skip


def refunds(db: Connection, count: int, over: bool, prefix: str) -> None:
    state, again = ("'SUCCESS'", "NULL") if over else ("'CREATED'", ago(-60))
    fill(db, "refund", count, payment_id="1", order_id="1", order_number="'N'", out_refund_no=f"'{prefix}#'",
         kind="'ORDER'", request_key=f"'{prefix}#'", amount_fen="0", reason="''", state=state, created_at=ago(70),
         next_try_at=again)  # fmt: skip


def notifications(db: Connection, count: int, over: bool, prefix: str) -> None:
    fill(db, "callback_inbox", count, source="'s'", event_id=f"'{prefix}#'", subject="'n'", payload="'{}'",
         received_at=ago(50), processed_at=ago(10) if over else "NULL")  # fmt: skip


def exceptions(db: Connection, count: int, over: bool, prefix: str) -> None:
    fill(db, "payment_exception", count, kind="'SURPLUS'", subject=f"'{prefix}#'", detail="'{}'", first_at=ago(60),
         resolved_at=ago(10) if over else "NULL")  # fmt: skip


def orders(db: Connection, count: int, state: str, prefix: str) -> None:
    closed = "UTC_TIMESTAMP(6)" if state == "CLOSED" else "NULL"
    fill(db, "orders", count, order_number=f"'{prefix}#'", member_id="1", state=f"'{state}'", version="1",
         delivery_method="'pickup'", remark="''", line_count="1", goods_fen="0", discount_fen="0", freight_fen="0",
         payable_fen="0", trace="'{}'", created_at=ago(900), expires_at=ago(80), closed_at=closed)  # fmt: skip


def history(db: Connection) -> None:
    outbox(db, OVER, ago(10))
    payment_calls(db, OVER, over=True)
    refunds(db, OVER, over=True, prefix="over")
    notifications(db, OVER, over=True, prefix="over")
    exceptions(db, OVER, over=True, prefix="over")
    orders(db, OVER, "CLOSED", "over")


def waiting(db: Connection) -> None:
    outbox(db, OPEN, "NULL")
    payment_calls(db, OPEN, over=False)
    refunds(db, OPEN, over=False, prefix="open")
    notifications(db, OPEN, over=False, prefix="open")
    exceptions(db, OPEN, over=False, prefix="open")
    orders(db, OPEN, "PENDING_PAY", "open")


def test_an_idle_shop_reports_zeros(db: Connection, capsys: pytest.CaptureFixture[str]) -> None:
    gauges = emitted(capsys)
    assert gauges.pop("DatabaseClockSkewSeconds") < 1
    assert gauges.pop("Duration") > 0
    assert len(gauges) == 12
    assert set(gauges.values()) == {0.0}


def test_what_waits_is_counted_and_its_age_told(db: Connection, capsys: pytest.CaptureFixture[str]) -> None:
    history(db)
    waiting(db)
    gauges = emitted(capsys)
    counts = ("OverdueUnpaidOrders", "UnsentEvents", "UnknownCalls", "UnsentRefunds", "UnprocessedNotifications",
              "OpenPaymentExceptions")  # fmt: skip
    assert {name: gauges[name] for name in counts} == dict.fromkeys(counts, float(OPEN))
    ages = {
        "OldestOverdueUnpaidOrderSeconds": 80,
        "OutboxLagSeconds": 40,
        "OldestUnknownCallSeconds": 90,
        "OldestUnsentRefundSeconds": 70,
        "OldestNotificationSeconds": 50,
        "OldestPaymentExceptionSeconds": 60,
    }
    assert {name: 0 <= gauges[name] - age < 30 for name, age in ages.items()} == dict.fromkeys(ages, True)


def test_counts_end_where_they_alarm_anyway(db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    outbox(db, 3, "NULL")
    assert all(f"LIMIT {health.MOST})" in statement.sql for statement in health.STATEMENTS[1:])
    gauges = health.gauges(db)
    assert (gauges["UnsentEvents"], gauges["OutboxLagSeconds"] >= 40) == (3, True)


def test_one_round_trip_behind_the_first_hello(db: Connection) -> None:
    health.gauges(db)
    before = db.round_trips
    health.gauges(db)
    assert db.round_trips - before == 2


def rows_read(db: Connection) -> int:
    """Rows that the server touched for the gauges, by its own counters."""
    sql = "SHOW SESSION STATUS LIKE 'Handler_read%%'"

    def counted(tx: Any) -> int:
        return sum(int(row["Value"]) for row in tx.rows(sql, ()))

    before = db.run(counted)
    db.run(lambda tx: tx.packet(health.STATEMENTS))
    return db.run(counted) - before


def test_history_costs_nothing(db: Connection) -> None:
    waiting(db)
    young = rows_read(db)
    history(db)
    # The statistics of SHOW itself are a constant part of both.
    assert rows_read(db) == young


@pytest.mark.parametrize("statement", health.STATEMENTS[1:], ids=lambda statement: statement.sql[20:45])
def test_every_gauge_is_a_range_of_an_index(db: Connection, statement: Statement) -> None:
    history(db)
    waiting(db)
    plan = db.run(lambda tx: tx.rows(f"EXPLAIN {escape(statement.sql, statement.params)}"))
    (inner,) = (row for row in plan if not str(row["table"]).startswith("<"))
    assert inner["type"] in {"range", "ref"}
    assert inner["key"]


def test_a_clock_that_is_wrong_is_told(db: Connection) -> None:
    with clock.shifted(90):
        assert 85 < health.gauges(db)["DatabaseClockSkewSeconds"] <= 91
    with clock.shifted(-90):
        assert 85 < health.gauges(db)["DatabaseClockSkewSeconds"] <= 91


def test_a_prepay_without_an_answer_is_unknown_after_a_minute(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.sandbox.misbehave("reset_after", call="prepay")
    assert till.pay(buyer, number).status == 503
    assert health.gauges(till.db)["UnknownCalls"] == 0
    till.change("UPDATE payment_call SET started_at = started_at - INTERVAL 2 MINUTE")
    assert health.gauges(till.db)["UnknownCalls"] == 1
    till.sweep()
    assert health.gauges(till.db)["UnknownCalls"] == 0


def test_the_row_that_is_not_there_yet_is_no_age(db: Connection) -> None:
    row = {"id": new_id(), "topic": "t", "subject": "s", "payload": "{}", "created_at": "2099-01-01"}
    db.run(lambda tx: tx.execute(insert("outbox", [row])))
    assert health.gauges(db)["OutboxLagSeconds"] == 0
