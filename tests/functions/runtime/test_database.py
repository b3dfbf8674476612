"""Transactions on the real server: repeated whole, their connection replaced only at their start."""

import contextlib
import threading
from collections.abc import Callable

import pymysql
import pytest

from orchard.core.errors import Unavailable
from orchard.runtime.database import (
    CommitUnknown,
    Connection,
    DatabaseLost,
    Statement,
    Tx,
)
from tests.functions.runtime.scratch_table import notes, put

Kill = Callable[[Connection], None]


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
