"""Nothing that the shop sends pins a connection of RDS Proxy, and orders stay below the size that would.

What pins: RDS User Guide, "Avoiding pinning an RDS Proxy". Written SQL is read from the source, so that a rare path
counts too; packets are recorded on their way to the server.
"""

import ast
import re
from collections.abc import Iterator
from typing import Any

import pymysql
import pytest

from infra.functions import ROOT
from orchard.runtime import database
from tests.support.shop import place, wish
from tests.support.till import Till

# Bytes of one text, several statements in one packet counted as one.
PINNING_BYTES = 16 * 1024
_PINNING = re.compile(
    r"\bGET_LOCK\s*\(|\bLOCK\s+TABLES?\b|\bFLUSH\s+TABLES\b|\bCREATE\s+TEMPORARY\b|\bPREPARE\s|\bEXECUTE\s+\w|/\*!"
    r"|\bROW_COUNT\s*\(|\bFOUND_ROWS\s*\(|\bLAST_INSERT_ID\s*\(|(?<![\w'])@\w|:=|\bSET\s+TRANSACTION\b",
    re.IGNORECASE,
)
_SET = re.compile(r"(?:^|;)\s*SET\s+([^;]+)", re.IGNORECASE)
# Tracked: setting them leaves the connection free for sessions that set the same.
_TRACKED = {"time_zone", "sql_mode", "names", "autocommit", "session transaction isolation level read committed"}
_SQL = re.compile(r"^\s*(SELECT|INSERT|UPDATE|DELETE|REPLACE|SET|WITH|START|LOCK|CREATE|CALL|DO)\s")
# The one that connects past the proxy, as the administrator.
_PAST_THE_PROXY = {"accounts.py", "migrations.py"}


def _pins(sql: str) -> bool:
    without_text = re.sub(r"'(?:[^'\\]|\\.|'')*'", "''", sql)
    if _PINNING.search(without_text):
        return True
    for assignments in _SET.findall(without_text):
        names = {part.split("=")[0].strip().lower() for part in assignments.split(",")}
        if not all(name in _TRACKED or name.startswith("names ") for name in names):
            return True
    return False


def _written() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "layers" / "common" / "orchard").rglob("*.py")):
        if path.name in _PAST_THE_PROXY:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield str(path.relative_to(ROOT)), node.value
            elif isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "x" for part in node.values]
                yield str(path.relative_to(ROOT)), "".join(map(str, parts))


def test_no_written_statement_pins() -> None:
    # `@window` is the audit's own mark, replaced before a statement is sent.
    statements = [(path, text.replace("@window(", "(")) for path, text in _written() if _SQL.match(text)]
    assert len(statements) > 200
    assert [(path, sql[:100]) for path, sql in statements if _pins(sql)] == []


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT GET_LOCK('a', 1)", "LOCK TABLES a WRITE", "CREATE TEMPORARY TABLE a (b INT)", "SET @a = 1",
        "SELECT @a := 1", "SET innodb_lock_wait_timeout = 3", "SELECT ROW_COUNT()", "SELECT FOUND_ROWS()",
        "PREPARE s FROM 'SELECT 1'", "SELECT /*! STRAIGHT_JOIN */ 1", "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
        "SET time_zone = '+00:00', unique_checks = 0", "SELECT LAST_INSERT_ID()",
    ],
)  # fmt: skip
def test_what_pins_is_recognised(sql: str) -> None:
    assert _pins(sql)


def test_a_session_begins_with_what_the_proxy_tracks() -> None:
    assert not _pins(database._SESSION)
    assert not _pins("SET AUTOCOMMIT = 1")


@pytest.fixture
def packets(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every text that goes to the server from now on."""
    sent: list[str] = []
    original = pymysql.connections.Connection.query

    def query(self: Any, sql: Any, *arguments: Any, **options: Any) -> Any:
        sent.append(sql.decode("utf-8", "surrogateescape") if isinstance(sql, bytes) else sql)
        return original(self, sql, *arguments, **options)

    monkeypatch.setattr(pymysql.connections.Connection, "query", query)
    return sent


def test_a_purchase_pins_nothing(till: Till, packets: list[str]) -> None:
    database.connection.discard()
    buyer, number = till.paid_order(freight=True)
    till.cancel(buyer, number)
    assert len(packets) > 20
    assert [sql[:200] for sql in packets if _pins(sql)] == []


def test_an_ordinary_order_is_small_enough(till: Till, packets: list[str]) -> None:
    goods = till.shop.sell_many([{"price_fen": 1000 + number, "stock": 9} for number in range(8)])
    lines = [line for item in goods for line in wish(item, 1)["lines"]]
    order = {**wish(goods[0], 1, method="pickup", store_id=str(till.shop.open_store())), "lines": lines}
    buyer = till.buyer()
    packets.clear()
    assert place(buyer.token, order).status == 201
    assert 0 < max(len(sql.encode("utf-8", "surrogateescape")) for sql in packets) < PINNING_BYTES
