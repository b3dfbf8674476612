"""SQL of money that arrived, of its postings, and of what an operator must look at."""

import json
from collections.abc import Mapping
from typing import Any

from orchard.core.ids import new_id
from orchard.payments.models import ReceiptRow
from orchard.runtime.database import Row, Statement, Tx, insert

_NOW = "UTC_TIMESTAMP(6)"
_RECEIPT = (
    "SELECT id, payment_id, transaction_id, amount_fen, effective,"
    f" succeeded_at > {_NOW} - INTERVAL 1 YEAR AS refundable FROM payment_receipt"
)


def _receipt(row: Row) -> ReceiptRow:
    plain = {name: row[name] for name in ("id", "payment_id", "transaction_id", "amount_fen")}
    return ReceiptRow(**plain, effective=bool(row["effective"]), refundable=bool(row["refundable"]))


def insert_receipt(row: Mapping[str, Any]) -> Statement:
    """Money that arrived; `succeeded_at` naive UTC."""
    return insert("payment_receipt", [row])


def receipts(tx: Tx, payment_id: int) -> list[ReceiptRow]:
    """Everything that arrived for the payment."""
    return [_receipt(row) for row in tx.rows(f"{_RECEIPT} WHERE payment_id = %s ORDER BY id", (payment_id,))]


def post(cause: str, order_number: str, amounts: Mapping[str, int]) -> list[Statement]:
    """One balanced entry of account -> signed fen; nothing for zeros. Raises ValueError if it does not balance."""
    if sum(amounts.values()):
        raise ValueError("unbalanced entry")
    entry_id = new_id()
    rows = [
        {"entry_id": entry_id, "account": account, "amount_fen": fen, "cause": cause, "order_number": order_number}
        for account, fen in amounts.items()
        if fen
    ]
    return [insert("money_posting", rows)] if rows else []


def raise_exception(kind: str, subject: str, detail: Mapping[str, Any]) -> Statement:
    """Put something before an operator; again and again is one row, which opens anew."""
    return Statement(
        "INSERT INTO payment_exception (id, kind, subject, detail) VALUES (%s, %s, %s, %s)"
        f" ON DUPLICATE KEY UPDATE times = times + 1, last_at = {_NOW}, detail = VALUES(detail),"
        " resolved_at = NULL, resolution = NULL",
        (new_id(), kind, subject, json.dumps(detail, ensure_ascii=True, sort_keys=True)),
    )


def resolve_exception(kind: str, subject: str, resolution: str) -> Statement:
    """The matter has settled itself or been settled."""
    return Statement(
        f"UPDATE payment_exception SET resolved_at = {_NOW}, resolution = %s"
        " WHERE kind = %s AND subject = %s AND resolved_at IS NULL",
        (resolution[:40], kind, subject),
    )


def exceptions(tx: Tx, limit: int, *, only_open: bool) -> list[Row]:
    """kind, subject, detail (JSON text), times, first_at, last_at, resolved_at, resolution; oldest first."""
    where = " WHERE resolved_at IS NULL" if only_open else ""
    return tx.rows(
        "SELECT kind, subject, detail, times, first_at, last_at, resolved_at, resolution FROM payment_exception"
        f"{where} ORDER BY id LIMIT %s",
        (limit,),
    )
