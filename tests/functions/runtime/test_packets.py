"""Packets of statements: one round trip, every outcome checked in order, every value as it was given."""

import pymysql
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchard.core.errors import Conflict, NotFound, Unavailable
from orchard.runtime.database import Connection, Statement, insert, placeholders
from tests.functions.runtime.scratch_table import notes, put

whatever_came_before = pytest.mark.parametrize(
    "before", [[], [Statement("SELECT 1")], [put(9)]], ids=["first", "after a read", "after a write"]
)


def test_a_packet_is_one_round_trip_and_says_what_each_statement_did(scratch: Connection) -> None:
    scratch.round_trips = 0
    tx = scratch.transaction()
    results = tx.packet(
        [
            put(1, "a"),
            put(2, "a"),
            Statement("UPDATE scratch SET note = 'a'"),
            Statement("SELECT * FROM scratch WHERE id = 2"),
        ]
    )
    assert scratch.round_trips == 1
    # Matched rows, not changed ones.
    assert [result.affected for result in results] == [1, 1, 2, 1]
    assert results[3].rows == [{"id": 2, "note": "a"}]
    tx.at_commit(put(3))
    tx.commit()
    assert scratch.round_trips == 2
    assert sorted(notes(scratch)) == [1, 2, 3]


@whatever_came_before
@pytest.mark.parametrize("position", [0, 1, 2])
def test_the_wrong_count_raises_the_statements_own_error(
    scratch: Connection, before: list[Statement], position: int
) -> None:
    guard = Statement("UPDATE scratch SET note = 'x' WHERE id = 5", expect=1, otherwise=NotFound())
    packet = [put(1), put(2)]
    packet.insert(position, guard)
    tx = scratch.transaction()
    for statement in before:
        tx.execute(statement)
    with pytest.raises(NotFound):
        tx.packet(packet)
    tx.rollback()
    assert notes(scratch) == {}


@whatever_came_before
@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_duplicate_key_raises_the_statements_own_error(
    scratch: Connection, before: list[Statement], position: int
) -> None:
    class Taken(Conflict):
        code = "taken"

    scratch.run(lambda tx: tx.execute(put(5)))
    packet = [put(1), put(2)]
    packet.insert(position, insert("scratch", [{"id": 5, "note": ""}], on_duplicate=Taken()))
    tx = scratch.transaction()
    for statement in before:
        tx.execute(statement)
    with pytest.raises(Taken):
        tx.packet(packet)
    # The transaction itself goes on: a duplicate undoes its own statement only.
    assert [row["id"] for row in tx.rows("SELECT id FROM scratch WHERE id IN (1, 2) ORDER BY id")] == [1, 2][:position]
    tx.rollback()
    assert notes(scratch) == {5: ""}


def test_two_processes_that_drew_one_row_id_draw_again(scratch: Connection) -> None:
    scratch.run(lambda tx: tx.execute(put(5)))
    drawn = iter([5, 5, 6])
    scratch.run(lambda tx: tx.execute(put(next(drawn))))
    assert notes(scratch) == {5: "", 6: ""}


def test_a_duplicate_that_never_ends_is_given_up_and_named(scratch: Connection) -> None:
    scratch.run(lambda tx: tx.execute(put(5)))
    with pytest.raises(Unavailable) as given_up:
        scratch.run(lambda tx: tx.execute(put(5)))
    assert isinstance(given_up.value.__cause__, pymysql.IntegrityError)


def test_a_wrong_count_without_an_error_of_its_own_is_a_bug(scratch: Connection) -> None:
    with pytest.raises(RuntimeError, match="affected 0, expected 1"):
        scratch.run(lambda tx: tx.execute(Statement("UPDATE scratch SET note = '' WHERE id = 5", expect=1)))


HOSTILE = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.sampled_from(
    ["'; DROP TABLE scratch; --", "\\'", "%s", "%%", "\x00\x1a\n\r", '"', "`", "/*", "𠮷👨‍👩‍👧‍👦", "\\"]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(HOSTILE, st.binary(max_size=60), st.integers(-(2**63), 2**63 - 1), st.none() | st.booleans())
def test_every_value_comes_back_as_it_went(
    scratch: Connection, text: str, raw: bytes, number: int, flag: bool | None
) -> None:
    row = scratch.run(
        lambda tx: tx.row("SELECT %s AS a, %s AS b, %s AS c, %s AS d, '%%' AS e", (text, raw, number, flag))
    )
    assert row is not None
    got_raw = row["b"] if isinstance(row["b"], bytes) else row["b"].encode()
    assert (row["a"], got_raw, row["c"], row["d"], row["e"]) == (text, raw, number, flag, "%")


def test_containers_and_empty_lists_are_refused(scratch: Connection) -> None:
    with pytest.raises(TypeError):
        scratch.run(lambda tx: tx.rows("SELECT %s", ([1, 2],)))
    with pytest.raises(ValueError, match="empty"):
        placeholders([])


def test_nothing_is_sent_for_nothing(scratch: Connection) -> None:
    scratch.round_trips = 0
    scratch.run(lambda tx: None)
    assert scratch.round_trips == 0
