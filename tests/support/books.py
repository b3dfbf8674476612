"""The last comparison of every test that moved money: our books against the sandbox's."""

from typing import Any

from orchard.audit import invariants
from orchard.runtime.database import Connection


def our_books(db: Connection) -> tuple[dict[str, int], dict[str, int]]:
    """What we think came and went, in fen: by transaction of WeChat's, and by refund number."""
    receipts = db.run(lambda tx: tx.rows("SELECT transaction_id, amount_fen FROM payment_receipt"))
    refunds = db.run(lambda tx: tx.rows("SELECT out_refund_no, amount_fen FROM refund WHERE state = 'SUCCESS'"))
    return (
        {row["transaction_id"]: row["amount_fen"] for row in receipts},
        {row["out_refund_no"]: row["amount_fen"] for row in refunds if row["amount_fen"]},
    )


def their_books(ledger: dict[str, Any]) -> tuple[dict[str, int], dict[str, int]]:
    """What the platform says came and went."""
    payments = {p["transaction_id"]: p["paid_fen"] for p in ledger["payments"] if p["paid_fen"]}
    refunds = {r["out_refund_no"]: r["refund_fen"] for r in ledger["refunds"] if r["status"] == "SUCCESS"}
    return payments, refunds


def assert_agree(db: Connection, ledger: dict[str, Any]) -> None:
    """Fails unless both books name the same payments and refunds with the same amounts."""
    assert ledger["differences"] == []
    ours, theirs = our_books(db), their_books(ledger)
    assert ours == theirs, (ours, theirs)


def assert_sound(db: Connection, *, settled: bool = False) -> None:
    """Fails on any broken invariant, naming the rule and the rows."""
    broken = [str(violation) for violation in invariants.check(db, settled=settled)]
    assert broken == [], broken
