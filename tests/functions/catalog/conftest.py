"""The demo shop, loaded; a catalogue file written from records; a function called by its path."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from infra.tools.import_catalogue import import_file
from orchard.runtime.database import Connection
from tests.support.calls import ROOT, Answer, call

DEMO = ROOT / "infra" / "demo" / "catalogue.jsonl"
Get = Callable[..., Answer]


@pytest.fixture
def demo(db: Connection) -> Connection:
    """The demo shop's catalogue."""
    import_file(db, DEMO)
    return db


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Iterable[Any]], Path]:
    """A catalogue file of these records, or of raw lines where they are text."""

    def make(records: Iterable[Any]) -> Path:
        lines = [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in records]
        path = tmp_path / "catalogue.jsonl"
        path.write_text("\n".join(lines), encoding="utf-8")
        return path

    return make


@pytest.fixture
def get(db: Connection) -> Get:
    """`get("list_products", "/products", sort="sales")`."""

    def ask(function: str, path: str, **query: Any) -> Answer:
        return call(f"catalog/{function}", "GET", path, query=query)

    return ask
