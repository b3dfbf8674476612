"""The import's pipeline: in order, all or nothing, the first error is the one raised."""

import pytest

from orchard.catalog.pipeline import Pipeline
from orchard.core.errors import Unavailable
from orchard.runtime.database import Connection, Statement, Tx

PUT = "INSERT INTO catalog_revision (id, revision) VALUES (%s, 0)"


class StopError(Exception):
    """Raised by the caller between two statements."""


def put(tx: Tx, number: int) -> int:
    return tx.execute(Statement(PUT, (number,)))


def rows(db: Connection) -> list[int]:
    return [row["id"] for row in db.run(lambda tx: tx.rows("SELECT id FROM catalog_revision ORDER BY id"))]


def fill(tx: Tx, *numbers: int) -> list[int]:
    with Pipeline(tx) as pipeline:
        answers = [pipeline.later(put, number) for number in numbers]
        seen = pipeline.now(lambda tx: len(tx.rows("SELECT id FROM catalog_revision")))
        assert seen == 1 + len(numbers)
    return [answer.result() for answer in answers]


def test_statements_run_in_order_in_one_transaction(db: Connection) -> None:
    assert db.run(lambda tx: fill(tx, *range(2, 30))) == [1] * 28
    assert rows(db) == list(range(1, 30))


def test_the_first_error_is_raised_and_nothing_is_kept(db: Connection) -> None:
    with pytest.raises(Unavailable) as given_up:
        db.run(lambda tx: fill(tx, 5, 5, 6, 7, 8, 9, 10, 11, 12))
    assert "Duplicate entry '5'" in str(given_up.value.__cause__)
    assert rows(db) == [1]


def test_an_error_of_the_last_statement_is_raised_on_leaving(db: Connection) -> None:
    def work(tx: Tx) -> None:
        with Pipeline(tx) as pipeline:
            pipeline.later(put, 7)
            pipeline.later(put, 7)

    with pytest.raises(Unavailable) as given_up:
        db.run(work)
    assert "Duplicate entry '7'" in str(given_up.value.__cause__)
    assert rows(db) == [1]


def test_the_callers_own_error_ends_it(db: Connection) -> None:
    def work(tx: Tx) -> None:
        with Pipeline(tx) as pipeline:
            pipeline.now(put, 7)
            raise StopError

    with pytest.raises(StopError):
        db.run(work)
    assert rows(db) == [1]
    assert db.run(lambda tx: fill(tx, 7)) == [1]
