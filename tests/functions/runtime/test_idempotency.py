"""Idempotency through the edge: one effect and one answer however often and however much at once a request comes."""

import multiprocessing
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from orchard.runtime import idempotency
from orchard.runtime.database import Connection, Statement, connection
from tests.support import calls
from tests.support.calls import Answer

Call = Callable[..., Answer]
ADDRESS = {
    "recipient": "李小果", "phone": "13800138000", "region_code": "440106", "province": "广东省", "city": "广州市",
    "district": "天河区", "detail": "体育西路 1 号", "tag": "", "is_default": False,
}  # fmt: skip


def post(token: str, key: str | None, **changes: Any) -> Answer:
    return calls.call("members/addresses", "POST", "/addresses", token=token, key=key, body={**ADDRESS, **changes})


def kept(db: Connection) -> int:
    return len(db.run(lambda tx: tx.rows("SELECT id FROM member_address")))


def _in_a_process_of_its_own(token: str, key: str, change: str, start: Any, results: Any) -> None:
    # A function instance has a connection of its own; the parent's must not be used, nor closed.
    connection._connection = None
    start.wait(timeout=60)
    answer = post(token, key, detail=change)
    results.put((change, answer.status, answer.text))


def _at_once(token: str, key: str, changes: list[str]) -> list[tuple[str, int, str]]:
    fork = multiprocessing.get_context("fork")
    start, results = fork.Barrier(len(changes)), fork.Queue()
    calls.load_function("members/addresses")
    runs = [
        fork.Process(target=_in_a_process_of_its_own, args=(token, key, change, start, results)) for change in changes
    ]
    for run in runs:
        run.start()
    answers = [results.get(timeout=60) for _ in runs]
    for run in runs:
        run.join()
    return answers


def test_fifty_at_once_have_one_effect_and_one_answer(db: Connection, shopper: Callable[[], Any]) -> None:
    answers = _at_once(shopper().token, secrets.token_hex(8), ["同一处"] * 50)
    assert {status for _, status, _ in answers} == {201}
    assert len({text for _, _, text in answers}) == 1
    assert kept(db) == 1


def test_of_two_bodies_under_one_key_one_wins(db: Connection, shopper: Callable[[], Any]) -> None:
    answers = _at_once(shopper().token, secrets.token_hex(8), ["甲", "乙"] * 8)
    won = {change for change, status, _ in answers if status == 201}
    assert len(won) == 1
    assert {status for change, status, _ in answers if change not in won} == {409}
    assert kept(db) == 1


def test_the_first_answer_comes_back_byte_for_byte(db: Connection, shopper: Callable[[], Any]) -> None:
    one = shopper()
    first, again = post(one.token, "k" * 8), post(one.token, "k" * 8)
    assert first.status == 201
    assert (again.status, again.text) == (first.status, first.text)
    assert again.headers["content-type"] == first.headers["content-type"] == "application/json"
    assert kept(db) == 1


def test_a_kept_answer_reveals_nobody(db: Connection, shopper: Callable[[], Any]) -> None:
    post(shopper().token, "k" * 8)
    kept_row = db.run(lambda tx: tx.row("SELECT body FROM idempotency"))
    assert kept_row is not None
    for secret in (ADDRESS["recipient"], ADDRESS["phone"], ADDRESS["detail"]):
        assert str(secret) not in kept_row["body"]


def test_another_body_under_the_same_key_is_refused(db: Connection, shopper: Callable[[], Any]) -> None:
    one = shopper()
    post(one.token, "k" * 8)
    answer = post(one.token, "k" * 8, detail="别处")
    assert (answer.status, answer.code) == (409, "idempotency_key_reused")
    assert kept(db) == 1


def test_keys_of_two_members_have_nothing_to_do_with_each_other(db: Connection, shopper: Callable[[], Any]) -> None:
    one, two = shopper(), shopper()
    first, second = post(one.token, "k" * 8), post(two.token, "k" * 8)
    assert (first.status, second.status) == (201, 201)
    assert kept(db) == 2
    # And a repetition is answered with one's own first answer.
    assert (post(one.token, "k" * 8).text, post(two.token, "k" * 8).text) == (first.text, second.text)
    assert first.text != second.text


def test_a_refusal_leaves_the_key_free(db: Connection, shopper: Callable[[], Any]) -> None:
    one = shopper()
    assert post(one.token, "k" * 8, phone="1").status == 422
    assert db.run(lambda tx: tx.rows("SELECT 1 FROM idempotency")) == []
    assert post(one.token, "k" * 8).status == 201


@pytest.mark.parametrize(
    "key",
    [None, "", "short", "x" * 256, "a\x00bcdefgh", "key with blanks", "钥匙" * 8, "k" * 8 + "\n", "k" * 8 + "\r\nX: y"],
)
def test_a_bad_key_is_refused(db: Connection, shopper: Callable[[], Any], key: str | None) -> None:
    answer = post(shopper().token, key)
    assert (answer.status, answer.code) == (422, "invalid_idempotency_key")
    assert kept(db) == 0


def test_without_a_session_no_key_is_taken(db: Connection) -> None:
    answer = post("nobody", "k" * 8)
    assert answer.status == 401
    assert db.run(lambda tx: tx.rows("SELECT 1 FROM idempotency")) == []


def test_a_key_costs_one_round_trip(db: Connection, shopper: Callable[[], Any]) -> None:
    one = shopper()
    db.round_trips = 0
    tx = db.transaction()
    assert idempotency.claim(tx, one.member_id, "op", "k" * 8, b"x") is None
    tx.at_commit(idempotency.answered(one.member_id, "op", "k" * 8, 201, "{}"))
    tx.commit()
    assert db.round_trips == 2


def test_an_answer_that_never_committed_is_not_replayed(db: Connection, shopper: Callable[[], Any]) -> None:
    one = shopper()
    tx = db.transaction()
    idempotency.claim(tx, one.member_id, "post_addresses", "k" * 8, b"x")
    tx.rollback()
    assert post(one.token, "k" * 8).status == 201


def test_a_lost_commit_answer_is_resolved_by_the_same_key(db: Connection, shopper: Callable[[], Any]) -> None:
    one = shopper()
    key = secrets.token_hex(8)
    killer = db.another()
    thread_id = db.get().thread_id()  # type: ignore[no-untyped-call]  # untyped in the stubs
    # The commit arrives, its answer does not: the connection dies right behind it.
    first = post(one.token, key)
    killer.run(lambda tx: tx.execute(Statement(f"KILL {int(thread_id)}")))
    killer.discard()
    again = post(one.token, key)
    assert (again.status, again.text) == (first.status, first.text)
    assert kept(db) == 1
