"""A COMMIT whose outcome nobody knows: only a request that took a key is repeated by the edge."""

from collections.abc import Callable
from typing import Any

from orchard.core.schemas import Schema
from orchard.runtime.api import Api, CurrentMember, Transaction
from orchard.runtime.database import Connection
from tests.functions.runtime.scratch_table import notes, put
from tests.support.calls import Answer, Context, answer_of, http_event

KEY = "k" * 8
api = Api()
# What each run of a handler does behind its work, before the commit.
last_acts: list[Callable[[], None]] = []
attempts: list[int] = []


class Empty(Schema):
    pass


def work(tx: Transaction) -> Empty:
    attempts.append(1)
    tx.execute(put(len(attempts)))
    if last_acts:
        last_acts.pop()()
    return Empty()


@api.post("/keyed")
def post_keyed(member: CurrentMember, tx: Transaction) -> Empty:
    return work(tx)


@api.put("/unkeyed")
def put_unkeyed(tx: Transaction) -> Empty:
    return work(tx)


def send(db: Connection, kill: Callable[[Connection], None], method: str, path: str, **headers: str) -> Answer:
    attempts.clear()
    last_acts[:] = [lambda: kill(db)]
    event = http_event(method, path, headers={"idempotency-key": KEY, **headers})
    return answer_of(api.handler(event, Context("request-1")))


def test_a_request_that_took_a_key_is_repeated(
    scratch: Connection, kill: Callable[[Connection], None], shopper: Callable[[], Any]
) -> None:
    answer = send(scratch, kill, "POST", "/keyed", authorization=f"Bearer {shopper().token}")
    assert answer.status == 200
    assert notes(scratch) == {2: ""}


def test_a_key_that_nobody_asked_for_makes_nothing_repeatable(
    scratch: Connection, kill: Callable[[Connection], None]
) -> None:
    answer = send(scratch, kill, "PUT", "/unkeyed")
    assert (answer.status, answer.code) == (503, "commit_unknown")
    assert attempts == [1]
