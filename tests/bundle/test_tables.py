"""A table is named only by its owner: the capability whose migration file creates it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.functions import ROOT

PACKAGE = ROOT / "layers" / "common" / "orchard"
_CREATED = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?`?(\w+)`?", re.IGNORECASE)
_NAMED = re.compile(r"\b(?:FROM|JOIN|INTO|TABLE|(?<!KEY )(?<!FOR )UPDATE)\s+`?([a-z_]\w*)`?")
_LOCAL_NAME = re.compile(r"\b(\w+)(?: \([^()]*\))? AS \(")
# These compare or add up tables of several owners, and write none.
_READERS = {"audit", "analytics"}
_FOREIGN = {"information_schema"}


def owners() -> dict[str, str]:
    """Table to capability, as `NNNN_<capability>.sql` says; the migrations' own tables are the runtime's."""
    found = {"schema_migration": "runtime", "schema_migration_guard": "runtime"}
    for path in sorted((ROOT / "infra" / "database").glob("*.sql")):
        capability = re.sub(r"^\d{4}_", "", path.stem)
        for table in _CREATED.findall(path.read_text(encoding="utf-8")):
            assert found.setdefault(table, capability) == capability, f"{table} is created twice"
    return found


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and text of each string that is not a docstring; an f-string's expressions become a blank."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    skipped = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else " " for part in node.values]
            skipped |= {id(part) for part in node.values}
            yield node.lineno, "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.lineno, node.value


def named_tables(source: str) -> Iterator[tuple[int, str]]:
    """Line and name of each table in a file's SQL or in a call of an `insert...` helper."""
    tree = ast.parse(source)
    for line, text in texts(tree):
        local = set(_LOCAL_NAME.findall(text))
        yield from ((line, name) for name in _NAMED.findall(text) if name not in local)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called.startswith("insert") and isinstance(node.args[0].value, str):
                yield node.lineno, node.args[0].value


def _may_name(path: Path, owner: str) -> bool:
    parts = path.relative_to(PACKAGE).parts
    if parts[0] in _READERS:
        return True
    if owner in {"runtime", "gateways"}:
        return parts[0] == owner
    return parts[0] == owner and any(part.startswith("store") for part in parts[1:])


def _files() -> list[Path]:
    return sorted([*PACKAGE.rglob("*.py"), *ROOT.glob("functions/*/*/*.py")])


def test_scan_sees_tables_of_every_kind_of_statement() -> None:
    source = '''
"""FROM docstring are not seen."""
read = f"SELECT a FROM one JOIN two ON {x} WHERE 1 FOR UPDATE"
write = "UPDATE three SET a = 1"
put = "INSERT INTO four (a) VALUES (1) ON DUPLICATE KEY UPDATE a = 2"
insert("five", rows)
tree = "WITH RECURSIVE six AS (SELECT 1) SELECT 1 FROM six, (SELECT 1) b"
'''
    assert [name for _, name in named_tables(source)] == ["one", "two", "three", "four", "five"]


def test_migrations_create_tables() -> None:
    assert {"outbox", "idempotency", "orders", "stock"} <= owners().keys()


@pytest.mark.parametrize("path", _files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_tables_are_named_by_their_owner_alone(path: Path) -> None:
    known = owners()
    wrong = []
    for line, table in named_tables(path.read_text(encoding="utf-8")):
        if table in _FOREIGN:
            continue
        if table not in known:
            wrong.append(f"line {line}: {table} is created by no migration")
        elif not path.is_relative_to(PACKAGE) or not _may_name(path, known[table]):
            wrong.append(f"line {line}: {table} belongs to {known[table]}")
    assert wrong == []


@pytest.mark.parametrize("reader", sorted(_READERS))
def test_readers_of_everything_write_nothing(reader: str) -> None:
    written = [
        f"{path.name}:{line}"
        for path in (PACKAGE / reader).rglob("*.py")
        for line, text in texts(ast.parse(path.read_text(encoding="utf-8")))
        if re.search(r"\b(INSERT|REPLACE)\s+(IGNORE\s+)?INTO\b|\bUPDATE\s+\w+\s+SET\b|\bDELETE\s+FROM\b", text)
    ]
    assert written == []
