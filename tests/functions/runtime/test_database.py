"""Transactions and packets on the real server: repeated whole, replaced only at their start, checked one by one."""

import contextlib
import threading
from collections.abc import Callable

import pymysql
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchard.core.errors import Conflict, NotFound, Unavailable
from orchard.runtime.database import (
    CommitUnknown,
    Connection,
    DatabaseLost,
    Statement,
    Tx,
    insert,
    placeholders,
)

Kill = Callable[[Connection], None]


def put(row_id: int, note: str = "") -> Statement:
    return insert("scratch", [{"id": row_id, "note": note}])


def notes(connection: Connection) -> dict[int, str]:
    rows = connection.run(lambda tx: tx.rows("SELECT id, note FROM scratch ORDER BY id"))
    return {row["id"]: row["note"] for row in rows}


def test_a_deadlock_repeats_the_whole_transaction(scratch: Connection) -> None:
    scratch.run(lambda tx: tx.packet([put(1, "0"), put(2, "0")]))
    both_hold_one = threading.Barrier(2)
    attempts: list[int] = []

    def cross(first: int, second: int) -> None:
        connection = scratch.another()
        connection.run(lambda tx: _add_to_both(tx, first, second, both_hold_one, attempts))
        connection.discard()

    threads = [threading.Thread(target=cross, args=order) for order in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # One was the victim and ran again, from its beginning.
    assert len(attempts) == 3
    assert notes(scratch) == {1: "2", 2: "2"}


def _add_to_both(tx: Tx, first: int, second: int, both_hold_one: threading.Barrier, attempts: list[int]) -> None:
    add = "UPDATE scratch SET note = note + 1 WHERE id = %s"
    tx.execute(Statement(add, (first,), expect=1))
    attempts.append(first)
    if len(attempts) <= 2:
        both_hold_one.wait(timeout=10)
    tx.execute(Statement(add, (second,), expect=1))


def test_a_lock_that_is_never_given_up_ends_in_unavailable(scratch: Connection) -> None:
    scratch.run(lambda tx: tx.execute(put(1)))
    holder = scratch.another()
    held = holder.transaction()
    held.execute(Statement("UPDATE scratch SET note = 'mine' WHERE id = 1", expect=1))
    waiter = scratch.another()
    waiter.get().query("SET SESSION innodb_lock_wait_timeout = 0")
    tries: list[int] = []

    def work(tx: Tx) -> None:
        tries.append(1)
        tx.execute(Statement("UPDATE scratch SET note = 'yours' WHERE id = 1", expect=1))

    with pytest.raises(Unavailable) as refused:
        waiter.run(work)
    assert refused.value.status == 503
    assert len(tries) == 4
    held.commit()
    assert notes(scratch) == {1: "mine"}
    holder.discard()
    waiter.discard()


def test_a_connection_lost_between_transactions_is_replaced(scratch: Connection, kill: Kill) -> None:
    scratch.run(lambda tx: tx.execute(put(1)))
    kill(scratch)
    assert notes(scratch) == {1: ""}
    kill(scratch)
    scratch.run(lambda tx: tx.execute(put(2)))
    assert notes(scratch) == {1: "", 2: ""}


def test_a_connection_lost_inside_a_transaction_is_not_replaced(scratch: Connection, kill: Kill) -> None:
    tx = scratch.transaction()
    tx.execute(put(1))
    kill(scratch)
    for _ in range(2):
        # Also the second time: half of the work is gone, so the rest must not go in alone.
        with pytest.raises(DatabaseLost):
            tx.execute(put(2))
    with pytest.raises(DatabaseLost):
        tx.commit()
    tx.rollback()
    assert notes(scratch) == {}


def test_a_connection_lost_after_reads_is_not_replaced_either(scratch: Connection, kill: Kill) -> None:
    tx = scratch.transaction()
    assert tx.rows("SELECT id FROM scratch") == []
    kill(scratch)
    with pytest.raises(DatabaseLost):
        tx.execute(put(1))
    tx.rollback()
    assert notes(scratch) == {}


def test_a_loss_that_the_work_swallows_still_repeats_it_whole(scratch: Connection, kill: Kill) -> None:
    attempts: list[int] = []

    def work(tx: Tx) -> None:
        attempts.append(1)
        tx.execute(put(1))
        if len(attempts) == 1:
            kill(scratch)
        with contextlib.suppress(DatabaseLost):
            tx.execute(put(2))

    scratch.run(work)
    assert len(attempts) == 2
    assert notes(scratch) == {1: "", 2: ""}


def test_a_connection_lost_at_commit_is_an_unknown_outcome_and_not_repeated(scratch: Connection, kill: Kill) -> None:
    attempts: list[int] = []

    def work(tx: Tx) -> None:
        attempts.append(1)
        tx.execute(put(1))
        kill(scratch)

    with pytest.raises(CommitUnknown) as unknown:
        scratch.run(work)
    assert (unknown.value.status, unknown.value.code) == (503, "commit_unknown")
    assert attempts == [1]


def test_what_a_frozen_function_left_open_is_rolled_back(scratch: Connection) -> None:
    left = scratch.get()
    left.begin()
    left.query("INSERT INTO scratch VALUES (1, 'left open')")
    scratch.run(lambda tx: tx.execute(put(2)))
    assert notes(scratch) == {2: ""}


def test_an_idle_reader_keeps_no_migration_waiting(scratch: Connection) -> None:
    tx = scratch.transaction()
    tx.rows("SELECT id FROM scratch")
    tx.commit()
    other = scratch.another()
    other.get().query("SET SESSION lock_wait_timeout = 1")
    other.run(lambda tx: tx.execute(Statement("ALTER TABLE scratch ADD COLUMN more INT NULL")))
    other.discard()


def test_a_locking_read_holds_its_lock_until_the_end(scratch: Connection) -> None:
    scratch.run(lambda tx: tx.execute(put(1)))
    tx = scratch.transaction()
    tx.rows("SELECT id FROM scratch WHERE id = 1 FOR UPDATE")
    other = scratch.another()
    other.get().query("SET SESSION innodb_lock_wait_timeout = 0")
    blocked = other.transaction()
    with pytest.raises(pymysql.OperationalError, match="1205"):
        blocked.execute(Statement("UPDATE scratch SET note = 'x' WHERE id = 1"))
    blocked.rollback()
    tx.rollback()
    other.run(lambda tx: tx.execute(Statement("UPDATE scratch SET note = 'x' WHERE id = 1", expect=1)))
    other.discard()


def test_a_second_transaction_cannot_undo_the_first_unnoticed(scratch: Connection) -> None:
    outer = scratch.transaction()
    outer.execute(put(1))
    with pytest.raises(RuntimeError, match="another transaction"):
        scratch.run(lambda tx: tx.rows("SELECT 1"))
    outer.commit()
    assert notes(scratch) == {1: ""}


def test_reading_then_writing_elsewhere_is_no_conflict(scratch: Connection) -> None:
    outer = scratch.transaction()
    outer.rows("SELECT id FROM scratch")
    scratch.run(lambda tx: tx.execute(put(1)))
    outer.commit()
    assert notes(scratch) == {1: ""}


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


@pytest.mark.parametrize(
    "before", [[], [Statement("SELECT 1")], [put(9)]], ids=["first", "after a read", "after a write"]
)
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


@pytest.mark.parametrize(
    "before", [[], [Statement("SELECT 1")], [put(9)]], ids=["first", "after a read", "after a write"]
)
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


def test_an_unforeseen_duplicate_is_the_servers_error(scratch: Connection) -> None:
    scratch.run(lambda tx: tx.execute(put(5)))
    with pytest.raises(pymysql.IntegrityError):
        scratch.run(lambda tx: tx.execute(put(5)))


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
