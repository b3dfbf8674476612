"""Freight rules in the database: every change moves the version, and a warm function reads them once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from orchard.pricing import service, store
from orchard.pricing.models import (
    NATIONAL,
    ChargeBy,
    Combination,
    FreeRow,
    FreightBook,
    FreightRate,
    InvalidFreight,
)
from orchard.runtime.database import Connection, Statement, Tx
from tests.support.races import errors, race

RATE = FreightRate(1, 800, 1, 200)


def version(tx: Tx) -> int:
    return int(tx.packet([service.freight_version_statement()])[0].rows[0]["version"])


def read(db: Connection) -> FreightBook:
    return db.run(lambda tx: service.freight_book(tx, version(tx)))


def define(tx: Tx, template_id: int | None = None, name: str = "全国") -> int:
    return service.define_freight_template(
        tx,
        name=name,
        charge_by=ChargeBy.WEIGHT,
        rates={NATIONAL: RATE, "440000": FreightRate(1000, 0, 500, 100)},
        excluded=["650000"],
        free_rows={"440000": FreeRow(2, 5000)},
        template_id=template_id,
    )


def test_what_was_defined_is_what_is_read(db: Connection) -> None:
    template_id = db.run(define)
    db.run(
        lambda tx: service.set_freight_policy(
            tx, combination=Combination.DEAREST_FIRST, free_threshold_fen=9900, default_template_id=template_id
        )
    )
    book = read(db)
    assert (book.combination, book.free_threshold_fen, book.default_template_id) == (
        Combination.DEAREST_FIRST, 9900, template_id,
    )  # fmt: skip
    template = book.templates[template_id]
    assert (template.name, template.charge_by) == ("全国", ChargeBy.WEIGHT)
    assert template.rates == {NATIONAL: RATE, "440000": FreightRate(1000, 0, 500, 100), "650000": None}
    assert template.free_rows == {"440000": FreeRow(2, 5000)}


def test_an_overwritten_template_keeps_nothing_of_the_old(db: Connection) -> None:
    template_id = db.run(define)
    again = db.run(
        lambda tx: service.define_freight_template(
            tx, name="按件", charge_by=ChargeBy.PIECE, rates={"110000": RATE}, template_id=template_id
        )
    )
    assert again == template_id
    template = read(db).templates[template_id]
    assert (template.name, template.rates, template.free_rows) == ("按件", {"110000": RATE}, {})


def test_every_change_moves_the_version_and_an_undone_one_does_not(db: Connection) -> None:
    seen = [db.run(version)]
    template_id = db.run(define)
    seen.append(db.run(version))
    db.run(lambda tx: define(tx, template_id))
    seen.append(db.run(version))
    db.run(lambda tx: service.set_freight_policy(tx, free_threshold_fen=1))
    seen.append(db.run(version))
    assert len(set(seen)) == 4
    with pytest.raises(InvalidFreight):
        db.run(lambda tx: service.set_freight_policy(tx, default_template_id=12345))
    assert db.run(version) == seen[-1]


def test_a_warm_function_reads_the_rules_once_per_version(db: Connection) -> None:
    db.run(define)
    current = db.run(version)
    db.round_trips = 0
    first = db.run(lambda tx: service.freight_book(tx, current))
    assert db.round_trips == 1
    assert db.run(lambda tx: service.freight_book(tx, current)) is first
    assert db.round_trips == 1
    db.run(define)
    assert len(read(db).templates) == 2


@pytest.fixture
def template_id(db: Connection) -> int:
    return db.run(define)


def test_templates_overwritten_at_once_are_never_read_half(db: Connection, template_id: int) -> None:
    def overwrite(connection: Connection, number: int) -> None:
        if number % 2:
            connection.run(lambda tx: define(tx, template_id, name=f"模板{number}"))
            return
        book = connection.run(lambda tx: service.freight_book(tx, version(tx)))
        assert len(book.templates[template_id].rates) == 3

    assert errors(race(range(80), overwrite, connections=8)) == []
    assert len(read(db).templates[template_id].rates) == 3


def _waits(db: Connection) -> bool:
    sql = "SELECT COUNT(*) AS n FROM information_schema.processlist WHERE state LIKE 'Waiting for table%%lock'"
    row = db.run(lambda tx: tx.row(sql, ()))
    return row is not None and row["n"] > 0


def test_rules_that_change_while_they_are_read_are_read_again(db: Connection, template_id: int) -> None:
    blocker, reader = db.another(), db.another()
    blocker.run(lambda tx: tx.execute(Statement("LOCK TABLES freight_rate WRITE")))
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(reader.run, store.load_book)
        # It has read the version and the templates, and waits for the rates.
        while not _waits(db) and not reading.done():
            pass
        db.run(lambda tx: service.set_freight_policy(tx, free_threshold_fen=1234))
        blocker.run(lambda tx: tx.execute(Statement("UNLOCK TABLES")))
        assert reading.result() is None
    assert read(db).free_threshold_fen == 1234
    blocker.discard()
    reader.discard()


@pytest.mark.parametrize(
    "wrong",
    [
        {"rates": {}},
        {"rates": {"44": RATE}},
        {"rates": {"044000": RATE}},
        {"rates": {NATIONAL: RATE}, "excluded": [NATIONAL]},
        {"rates": {NATIONAL: FreightRate(1, 800, 0, 200)}},
        {"rates": {NATIONAL: FreightRate(-1, 800, 1, 200)}},
        {"rates": {NATIONAL: FreightRate(1, -800, 1, 200)}},
        {"rates": {NATIONAL: FreightRate(1, 800, 1, 10**8)}},
        {"rates": {NATIONAL: RATE}, "free_rows": {NATIONAL: FreeRow(-1, 0)}},
        {"rates": {NATIONAL: RATE}, "name": ""},
        {"rates": {NATIONAL: RATE}, "template_id": 12345},
    ],
)
def test_templates_that_cannot_be_computed_with_are_refused(db: Connection, wrong: dict[str, object]) -> None:
    before = db.run(version)
    terms = {"name": "模板", "charge_by": ChargeBy.PIECE, **wrong}
    with pytest.raises(InvalidFreight):
        db.run(lambda tx: service.define_freight_template(tx, **terms))  # type: ignore[arg-type]
    assert db.run(version) == before
