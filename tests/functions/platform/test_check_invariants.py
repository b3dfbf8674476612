"""Job check_invariants: silent on sound books, an error per broken rule otherwise."""

import logging

import pytest

from orchard.core.ids import new_id
from orchard.runtime.database import Connection, insert
from tests.support import calls


def test_sound_books_raise_no_alarm(db: Connection, caplog: pytest.LogCaptureFixture) -> None:
    assert calls.invoke("platform/check_invariants", {}) == {"violations": 0, "rows": 0}
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_a_broken_rule_is_logged_with_its_rows(db: Connection, caplog: pytest.LogCaptureFixture) -> None:
    # Stock that no ledger row accounts for.
    row = {"sku_id": new_id(), "location_id": 1, "on_hand": 5, "reserved": 0}
    db.run(lambda tx: tx.execute(insert("stock", [row])))
    assert calls.invoke("platform/check_invariants", {}) == {"violations": 1, "rows": 1}
    error, *others = (vars(record) for record in caplog.records if record.levelno >= logging.ERROR)
    assert others == []
    assert error["rows"][0]["sku_id"] == row["sku_id"]
    assert error["rule"]
