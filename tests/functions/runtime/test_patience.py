"""A database that stalls or is full: nothing waits longer than the invocation has time, and the answer is a 503."""

import pymysql
import pytest

from orchard.core.errors import Unavailable
from orchard.runtime.database import Connection, DatabaseLost
from orchard.runtime.problems import as_app_error
from tests.functions.runtime.scratch_table import notes, put


def test_nothing_is_sent_when_no_time_is_left(scratch: Connection) -> None:
    sent = scratch.round_trips
    with scratch.within(0), pytest.raises(Unavailable):
        scratch.run(lambda tx: tx.execute(put(1, "late")))
    assert scratch.round_trips == sent
    assert notes(scratch) == {}


def test_work_whose_time_runs_out_before_commit_is_undone(scratch: Connection) -> None:
    tx = scratch.transaction()
    tx.execute(put(1, "begun"))
    with scratch.within(0), pytest.raises(Unavailable):
        tx.commit()
    tx.rollback()
    assert notes(scratch) == {}


def test_a_statement_that_stalls_is_given_up_in_time_for_an_answer(scratch: Connection) -> None:
    tx = scratch.transaction()
    tx.execute(put(1, "begun"))
    with scratch.within(1.5):
        with pytest.raises(DatabaseLost):
            tx.rows("SELECT SLEEP(60)")
        tx.rollback()
        with pytest.raises(Unavailable):
            scratch.run(lambda again: again.rows("SELECT SLEEP(60)"))
    assert notes(scratch) == {}


@pytest.mark.parametrize("code", [1021, 1030, 1114])
def test_a_full_disk_is_a_503(code: int) -> None:
    assert as_app_error(pymysql.OperationalError(code, "full")).status == 503
