"""Shoppers, login codes, phone codes and access tokens: the server API without its HTTP."""

from __future__ import annotations

import base64
import re
import secrets
import sqlite3
from typing import Any

from . import crypto
from .errors import ServerApiError
from .world import World

CODE_SECONDS = 300
TOKEN_SECONDS = 7200
OVERLAP_SECONDS = 300
FORCED_GAP_SECONDS = 30
FORCED_PER_DAY = 20


def create(
    world: World, openid: str | None = None, phone: str | None = None, unionid: str | None = None,
    appid: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return the shopper of this openid, made if it is new; ValueError for a malformed openid or phone."""
    openid = openid or "o" + crypto.random_text(27)
    phone = phone or "139" + crypto.random_text(8, "0123456789")
    if not re.fullmatch(r"[0-9A-Za-z_-]{1,128}", openid) or not re.fullmatch(r"\+?[0-9]{5,20}", phone):
        raise ValueError("openid: letters, digits, _ and -; phone: digits")
    with world.store.transaction() as tx:
        tx.execute(
            "INSERT OR IGNORE INTO shoppers VALUES (?, ?, ?, ?, ?)",
            (openid, appid or world.config.appid, phone, unionid, world.clock.now()),
        )
        return _shopper(tx, openid)


def _shopper(tx: sqlite3.Connection, openid: str) -> dict[str, Any]:
    return dict(tx.execute("SELECT * FROM shoppers WHERE openid = ?", (openid,)).fetchone())


def mint_code(world: World, kind: str, openid: str) -> str:
    """Return a login or phone code of this shopper (made if new): one use, five minutes of virtual time."""
    create(world, openid)
    code = "0" + crypto.random_text(31)
    with world.store.transaction() as tx:
        expires_at = world.clock.now() + CODE_SECONDS
        tx.execute("INSERT INTO codes VALUES (?, ?, ?, ?, NULL)", (code, kind, openid, expires_at))
    return code


def _use_code(tx: sqlite3.Connection, world: World, kind: str, code: str) -> dict[str, Any]:
    row = tx.execute("SELECT * FROM codes WHERE code = ? AND kind = ?", (code, kind)).fetchone()
    now = world.clock.now()
    if row is None or row["expires_at"] <= now:
        raise ServerApiError(40029)
    if row["used_at"] is not None:
        raise ServerApiError(40163 if kind == "login" else 40029)
    tx.execute("UPDATE codes SET used_at = ? WHERE code = ?", (now, code))
    return _shopper(tx, row["openid"])


def log_in(world: World, code: str) -> dict[str, str]:
    """Exchange a login code for openid and a new session_key (and unionid where there is one)."""
    with world.store.transaction() as tx:
        shopper = _use_code(tx, world, "login", code)
    answer = {"openid": shopper["openid"], "session_key": base64.b64encode(secrets.token_bytes(16)).decode()}
    return answer | ({"unionid": shopper["unionid"]} if shopper["unionid"] else {})


def phone_info(world: World, code: str, numeric: bool = False) -> dict[str, Any]:
    """Exchange a phone code for the shopper's phone number."""
    with world.store.transaction() as tx:
        shopper = _use_code(tx, world, "phone", code)
    phone = shopper["phone"]
    return {
        "phoneNumber": phone,
        "purePhoneNumber": phone.removeprefix("+86"),
        "countryCode": 86 if numeric else "86",
        "watermark": {"timestamp": int(world.clock.now()), "appid": world.config.appid},
    }


def stable_token(world: World, force: bool) -> dict[str, Any]:
    """Return the stable token and its remaining life in seconds.

    Normal mode repeats the token and renews it in its last five minutes; the old one lives out its time.
    A forced renewal kills the old token; at most 20 a day (45009), 30 s apart (45011).
    """
    now = world.clock.now()
    with world.store.transaction() as tx:
        if force:
            _check_forced(tx, now)
            tx.execute("UPDATE tokens SET killed = 1 WHERE pool = 'stable'")
        current = _newest(tx, "stable")
        if current is None or current["expires_at"] - now <= OVERLAP_SECONDS:
            current = _issue(tx, "stable", now, force)
    return {"access_token": current["token"], "expires_in": int(current["expires_at"] - now)}


def plain_token(world: World) -> dict[str, Any]:
    """Return a new token of the other pool; the one before lives five minutes more."""
    now = world.clock.now()
    with world.store.transaction() as tx:
        tx.execute("UPDATE tokens SET expires_at = MIN(expires_at, ?) WHERE pool = 'plain'", (now + OVERLAP_SECONDS,))
        issued = _issue(tx, "plain", now, False)
    return {"access_token": issued["token"], "expires_in": TOKEN_SECONDS}


def _check_forced(tx: sqlite3.Connection, now: float) -> None:
    sql = "SELECT issued_at FROM tokens WHERE forced = 1 AND issued_at > ? ORDER BY issued_at DESC"
    times = [row["issued_at"] for row in tx.execute(sql, (now - 86400,))]
    if len(times) >= FORCED_PER_DAY:
        raise ServerApiError(45009)
    if times and now - times[0] < FORCED_GAP_SECONDS:
        raise ServerApiError(45011)


def _newest(tx: sqlite3.Connection, pool: str) -> sqlite3.Row | None:
    sql = "SELECT * FROM tokens WHERE pool = ? AND killed = 0 ORDER BY issued_at DESC, rowid DESC LIMIT 1"
    row: sqlite3.Row | None = tx.execute(sql, (pool,)).fetchone()
    return row


def _issue(tx: sqlite3.Connection, pool: str, now: float, forced: bool) -> sqlite3.Row:
    token = "_".join(("99", crypto.random_text(133)))
    tx.execute("INSERT INTO tokens VALUES (?, ?, ?, ?, ?, 0)", (token, pool, now, now + TOKEN_SECONDS, forced))
    row: sqlite3.Row = tx.execute("SELECT * FROM tokens WHERE token = ?", (token,)).fetchone()
    return row


def check_token(world: World, token: str | None) -> None:
    """ServerApiError 41001 missing, 40001 unknown or killed, 42001 expired."""
    if not token:
        raise ServerApiError(41001)
    with world.store.transaction() as tx:
        row = tx.execute("SELECT * FROM tokens WHERE token = ?", (token,)).fetchone()
    if row is None or row["killed"]:
        raise ServerApiError(40001)
    if row["expires_at"] <= world.clock.now():
        raise ServerApiError(42001)
