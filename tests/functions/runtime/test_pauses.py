"""Pauses: an item that fails waits, ever longer, and what stands behind it gets its turn."""

import pytest

from orchard.runtime import pauses
from orchard.runtime.database import Connection, Statement
from orchard.runtime.jobs import TimeLeft, Turns, each
from tests.support.calls import Context

LONG = TimeLeft(None)


def turns(db: Connection) -> Turns[int]:
    return Turns(db, "sweep", frozenset({"later"}), lambda item: item)


def seconds_left(db: Connection, item: int) -> float:
    row = db.run(
        lambda tx: tx.row(
            "SELECT TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), next_try_at) AS left_us FROM retry_pause"
            " WHERE item_id = %s",
            (item,),
        )
    )
    assert row is not None
    return int(row["left_us"]) / 1e6


def test_what_fails_or_is_put_off_pauses_and_the_rest_goes_on(db: Connection) -> None:
    outcomes = {1: "later", 2: "done", 3: "error", 4: "done"}

    def act(item: int) -> str:
        if outcomes[item] == "error":
            raise ValueError
        return outcomes[item]

    sweep = turns(db)
    assert each(sweep.due([1, 2, 3, 4]), sweep.take(act), LONG) == {"later": 1, "done": 2, "failed": 1}
    assert sweep.due([1, 2, 3, 4]) == [2, 4]
    # Another sweep's items of the same number are others.
    assert Turns[int](db, "other", frozenset(), lambda item: item).due([1, 3]) == [1, 3]


def test_pauses_grow_to_a_limit_and_end(db: Connection) -> None:
    waits = []
    for _ in range(7):
        db.run(lambda tx: pauses.pause(tx, "sweep", 9))
        waits.append(round(seconds_left(db, 9), -1))
    assert waits == [60, 120, 240, 480, 900, 900, 900]
    db.run(lambda tx: tx.execute(Statement("UPDATE retry_pause SET next_try_at = UTC_TIMESTAMP(6)")))
    assert turns(db).due([9]) == [9]


@pytest.mark.parametrize(("milliseconds", "began"), [(30_001, 1), (29_999, 0)])
def test_no_item_is_begun_that_might_not_end(milliseconds: int, began: int) -> None:
    time_left = TimeLeft(Context("r", milliseconds=milliseconds), item_seconds=30)
    assert each([1], lambda _: "done", time_left).get("done", 0) == began
