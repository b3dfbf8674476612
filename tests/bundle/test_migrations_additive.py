"""While a release takes over, the one before it works on the newer schema: migrations only add what it can bear."""

import re
from pathlib import Path

import pytest

from infra.openapi import PATH

_FOLDER = PATH.parents[1] / "infra/database"
_MIGRATIONS = sorted(_FOLDER.glob("*.sql"))
# Statements that take away, rename or tighten what older statements rely on.
_REFUSED = {
    "takes something away": r"\bDROP\s+(TABLE|COLUMN|DATABASE|PRIMARY)\b|\bDROP\s+(?!INDEX|KEY|CHECK|CONSTRAINT)\w+",
    "renames": r"\bRENAME\b|\bCHANGE\b",
    "changes a column": r"\bMODIFY\b|\bALTER\s+COLUMN\b",
    "empties": r"\bTRUNCATE\b|\bDELETE\s+FROM\b",
    "tightens": r"^ALTER\b.*\bADD\s+(CONSTRAINT|CHECK|UNIQUE|FOREIGN|PRIMARY)\b|\bCREATE\s+UNIQUE\b",
    "asks old code for a value": r"^ALTER\b.*\bADD\s+(COLUMN\s+)?(?!.*\bDEFAULT\b).*\bNOT\s+NULL\b",
}
# By file, kind of refusal: why the release before can bear it.
_BORNE: dict[tuple[str, str], str] = {}


def _statements(text: str) -> list[str]:
    bare = re.sub(r"--[^\n]*", "", text)
    return [" ".join(statement.split()) for statement in bare.split(";") if statement.strip()]


def _objections(text: str) -> set[str]:
    """What old code could not bear, by kind; each part of an ALTER is judged by itself."""
    found = set()
    for statement in _statements(text):
        head = statement.split(" ADD ", 1)[0]
        parts = [f"{head} ADD {part}" for part in statement.split(" ADD ")[1:]] if statement[:5] == "ALTER" else []
        for kind, pattern in _REFUSED.items():
            if any(re.search(pattern, part, re.IGNORECASE) for part in parts or [statement]):
                found.add(kind)
    return found


@pytest.mark.parametrize("path", _MIGRATIONS, ids=lambda path: path.name)
def test_the_release_before_can_bear_it(path: Path) -> None:
    unexplained = {kind for kind in _objections(path.read_text("utf-8")) if (path.name, kind) not in _BORNE}
    assert not unexplained, f"{path.name}: add first, take away in a later release, or explain it in _BORNE"


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("ALTER TABLE a DROP COLUMN b;", "takes something away"), ("DROP TABLE a;", "takes something away"),
        ("ALTER TABLE a DROP b;", "takes something away"), ("ALTER TABLE a RENAME COLUMN b TO c;", "renames"),
        ("ALTER TABLE a CHANGE b c INT;", "renames"), ("ALTER TABLE a MODIFY b SMALLINT;", "changes a column"),
        ("ALTER TABLE a ADD COLUMN b INT NOT NULL;", "asks old code for a value"),
        ("ALTER TABLE a ADD b INT NOT NULL DEFAULT 0, ADD c INT NOT NULL;", "asks old code for a value"),
        ("ALTER TABLE a\n  ADD CONSTRAINT b CHECK (c > 0);", "tightens"),
        ("CREATE UNIQUE INDEX a ON b (c);", "tightens"),
    ],
)  # fmt: skip
def test_what_old_code_cannot_bear_is_seen(sql: str, kind: str) -> None:
    assert kind in _objections(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE a ADD COLUMN b INT NULL;", "ALTER TABLE a ADD COLUMN b INT NOT NULL DEFAULT 0;",
        "CREATE TABLE IF NOT EXISTS a (b INT NOT NULL, CHECK (b > 0));", "ALTER TABLE a ADD KEY b (c);",
    ],
)  # fmt: skip
def test_what_only_adds_is_taken(sql: str) -> None:
    assert _objections(sql) == set()
