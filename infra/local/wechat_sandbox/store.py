"""The sandbox's memory: one SQLite database (a file, or `:memory:`) behind one lock. Times are epoch seconds."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS shoppers (
    openid TEXT PRIMARY KEY, appid TEXT NOT NULL, phone TEXT NOT NULL, unionid TEXT, created_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS codes (
    code TEXT PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('login', 'phone')), openid TEXT NOT NULL,
    expires_at REAL NOT NULL, used_at REAL);
CREATE TABLE IF NOT EXISTS tokens (
    token TEXT PRIMARY KEY, pool TEXT NOT NULL, issued_at REAL NOT NULL, expires_at REAL NOT NULL,
    forced INTEGER NOT NULL DEFAULT 0, killed INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS orders (
    out_trade_no TEXT PRIMARY KEY, request TEXT NOT NULL, appid TEXT NOT NULL, mchid TEXT NOT NULL,
    description TEXT NOT NULL, openid TEXT NOT NULL, total_fen INTEGER NOT NULL CHECK (total_fen > 0),
    attach TEXT, notify_url TEXT NOT NULL, expires_at REAL NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('NOTPAY', 'SUCCESS', 'REFUND', 'CLOSED')),
    created_at REAL NOT NULL, closed_at REAL, paid_at REAL, transaction_id TEXT UNIQUE,
    payer_fen INTEGER, shopper_action TEXT,
    CHECK ((paid_at IS NULL) = (transaction_id IS NULL)));
CREATE TABLE IF NOT EXISTS prepays (
    prepay_id TEXT PRIMARY KEY, out_trade_no TEXT NOT NULL, created_at REAL NOT NULL, expires_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS refunds (
    out_refund_no TEXT PRIMARY KEY, refund_id TEXT NOT NULL UNIQUE, out_trade_no TEXT NOT NULL,
    request TEXT NOT NULL, refund_fen INTEGER NOT NULL CHECK (refund_fen > 0), payer_refund_fen INTEGER NOT NULL,
    notify_url TEXT, status TEXT NOT NULL CHECK (status IN ('PROCESSING', 'SUCCESS', 'CLOSED', 'ABNORMAL')),
    outcome TEXT NOT NULL, settle_at REAL NOT NULL, created_at REAL NOT NULL, settled_at REAL);
CREATE INDEX IF NOT EXISTS refunds_by_order ON refunds (out_trade_no);
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('PAYMENT', 'REFUND')),
    reference TEXT NOT NULL, amount_fen INTEGER NOT NULL, balance_after_fen INTEGER NOT NULL,
    UNIQUE (kind, reference));
CREATE TABLE IF NOT EXISTS notices (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, event_type TEXT NOT NULL, summary TEXT NOT NULL,
    reference TEXT NOT NULL, notify_url TEXT NOT NULL, content TEXT NOT NULL, created_at REAL NOT NULL,
    due_at REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL CHECK (state IN ('PENDING', 'ACCEPTED', 'LOST', 'EXHAUSTED')));
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY, notice_id TEXT NOT NULL, attempt INTEGER NOT NULL, at REAL NOT NULL,
    variant TEXT NOT NULL, serial TEXT NOT NULL, status INTEGER, error TEXT, accepted INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS nonces (nonce TEXT PRIMARY KEY, seen_at REAL NOT NULL);
"""


class Store:
    """One connection, one lock, one transaction at a time: the platform's own bookings never race."""

    def __init__(self, path: str = ":memory:") -> None:
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(SCHEMA)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit what happened inside, or nothing of it when an error leaves the block."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def read_setting(self, name: str, default: Any) -> Any:
        """Return a kept JSON value, or the default."""
        with self.transaction() as tx:
            row = tx.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return json.loads(row["value"]) if row else default

    def write_setting(self, name: str, value: Any) -> None:
        """Keep a JSON value under a name."""
        with self.transaction() as tx:
            tx.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, json.dumps(value)))

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()


def find(tx: sqlite3.Connection, table: str, column: str, value: str) -> sqlite3.Row | None:
    """The row of a table by one of its unique columns; both names are ours, never a caller's."""
    row: sqlite3.Row | None = tx.execute(f"SELECT * FROM {table} WHERE {column} = ?", (value,)).fetchone()
    return row
