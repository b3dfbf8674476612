"""The sandbox's books: an append-only list of money moved, and the orders and refunds that must agree with it."""

from __future__ import annotations

import sqlite3
from typing import Any

from .world import World, rfc3339


def book(tx: sqlite3.Connection, at: float, kind: str, reference: str, amount_fen: int) -> None:
    """Append money that moved: a payment adds to the merchant's balance, a refund takes from it."""
    last = tx.execute("SELECT balance_after_fen FROM entries ORDER BY id DESC LIMIT 1").fetchone()
    signed = amount_fen if kind == "PAYMENT" else -amount_fen
    tx.execute(
        "INSERT INTO entries (at, kind, reference, amount_fen, balance_after_fen) VALUES (?, ?, ?, ?, ?)",
        (at, kind, reference, signed, (last["balance_after_fen"] if last else 0) + signed),
    )


def dump(world: World) -> dict[str, Any]:
    """Return payments (every order), refunds, entries, totals and the differences found, in fen and RFC 3339."""
    with world.store.transaction() as tx:
        orders = tx.execute("SELECT * FROM orders ORDER BY created_at, rowid").fetchall()
        refunds = tx.execute("SELECT * FROM refunds ORDER BY created_at, rowid").fetchall()
        entries = tx.execute("SELECT * FROM entries ORDER BY id").fetchall()
    refunded: dict[str, int] = {}
    for row in refunds:
        if row["status"] == "SUCCESS":
            refunded[row["out_trade_no"]] = refunded.get(row["out_trade_no"], 0) + row["refund_fen"]
    return {
        "payments": [_payment(row, refunded.get(row["out_trade_no"], 0)) for row in orders],
        "refunds": [_refund(row) for row in refunds],
        "entries": [dict(row) | {"at": rfc3339(row["at"])} for row in entries],
        "totals": _totals(orders, refunds),
        "differences": differences(orders, refunds, entries),
    }


def _time(moment: float | None) -> str | None:
    return None if moment is None else rfc3339(moment)


def _payment(row: sqlite3.Row, refunded_fen: int) -> dict[str, Any]:
    names = ("out_trade_no", "transaction_id", "appid", "mchid", "openid", "description", "total_fen", "state")
    return {name: row[name] for name in names} | {
        "paid_fen": row["total_fen"] if row["paid_at"] is not None else 0,
        "payer_fen": row["payer_fen"],
        "refunded_fen": refunded_fen,
        "created_at": _time(row["created_at"]),
        "paid_at": _time(row["paid_at"]),
        "closed_at": _time(row["closed_at"]),
    }


def _refund(row: sqlite3.Row) -> dict[str, Any]:
    names = ("out_refund_no", "refund_id", "out_trade_no", "refund_fen", "status")
    times = {"created_at": _time(row["created_at"]), "settled_at": _time(row["settled_at"])}
    return {name: row[name] for name in names} | times


def _totals(orders: list[sqlite3.Row], refunds: list[sqlite3.Row]) -> dict[str, int]:
    paid = sum(row["total_fen"] for row in orders if row["paid_at"] is not None)
    refunded = sum(row["refund_fen"] for row in refunds if row["status"] == "SUCCESS")
    return {"paid_fen": paid, "refunded_fen": refunded, "balance_fen": paid - refunded}


def differences(orders: list[sqlite3.Row], refunds: list[sqlite3.Row], entries: list[sqlite3.Row]) -> list[str]:
    """Compare the rows with the entries; an empty list means that the books agree."""
    expected = {("PAYMENT", r["out_trade_no"]): r["total_fen"] for r in orders if r["paid_at"] is not None}
    expected |= {("REFUND", r["out_refund_no"]): -r["refund_fen"] for r in refunds if r["status"] == "SUCCESS"}
    booked = {(entry["kind"], entry["reference"]): entry["amount_fen"] for entry in entries}
    found = [f"{kind} {reference}: {fen} fen" for (kind, reference), fen in expected.items() ^ booked.items()]
    balance = 0
    for entry in entries:
        balance += entry["amount_fen"]
        if entry["balance_after_fen"] != balance:
            found.append(f"balance after entry {entry['id']}")
    return found
