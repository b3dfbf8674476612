"""POST /log-out: an ended session is refused from then on."""

from collections.abc import Callable
from typing import Any

import pytest

from orchard.runtime import sessions
from orchard.runtime.database import Connection
from tests.support.calls import Answer

Call = Callable[..., Answer]


def profile_status(call: Call, token: str) -> int:
    return call("members/profile", "GET", "/profile", token=token).status


def log_out(call: Call, token: str | None, body: Any) -> Answer:
    return call("members/log_out", "POST", "/log-out", token=token, body=body)


def test_logging_out_ends_this_session_only(db: Connection, call: Call, shopper: Callable[[], Any]) -> None:
    one = shopper()
    other = db.run(lambda tx: sessions.open_session(tx, one.member_id))
    assert log_out(call, one.token, {}).json == {"sessions_ended": 1}
    assert profile_status(call, one.token) == 401
    assert profile_status(call, other) == 200
    assert log_out(call, one.token, {}).status == 401


def test_logging_out_everywhere_ends_all_of_this_member_only(
    db: Connection, call: Call, shopper: Callable[[], Any]
) -> None:
    one, stranger = shopper(), shopper()
    other = db.run(lambda tx: sessions.open_session(tx, one.member_id))
    assert log_out(call, one.token, {"everywhere": True}).json == {"sessions_ended": 2}
    assert [profile_status(call, token) for token in (one.token, other, stranger.token)] == [401, 401, 200]


@pytest.mark.parametrize("body", [{"everywhere": "yes"}, {"everywhere": 1}, {"member_id": "1"}, []])
def test_anything_else_is_refused(call: Call, shopper: Callable[[], Any], body: Any) -> None:
    one = shopper()
    assert log_out(call, one.token, body).status == 422
    assert profile_status(call, one.token) == 200


def test_without_a_session_there_is_nothing_to_end(call: Call) -> None:
    assert log_out(call, None, {}).status == 401
