"""GET, PATCH /profile: what members say about themselves comes back as they wrote it."""

from collections.abc import Callable
from typing import Any

import pytest

from orchard.runtime.database import Connection
from tests.support.calls import Answer

Call = Callable[..., Answer]


def patch(call: Call, token: str, **change: Any) -> Answer:
    return call("members/profile", "PATCH", "/profile", token=token, body=change)


def test_a_new_profile_is_empty(call: Call, shopper: Callable[[], Any]) -> None:
    one = shopper()
    profile = call("members/profile", "GET", "/profile", token=one.token).json
    joined_at = profile.pop("joined_at")
    assert joined_at.endswith("Z")
    assert profile == {
        "member_id": str(one.member_id), "nickname": "", "display_name": "", "avatar_url": "", "gender": "UNKNOWN",
        "birthday": None, "phone": None,
    }  # fmt: skip


def test_only_the_fields_sent_are_changed(call: Call, shopper: Callable[[], Any]) -> None:
    one = shopper()
    patch(call, one.token, nickname="小果", birthday="2000-02-29", gender="FEMALE")
    profile = patch(call, one.token, avatar_url="https://img.example.com/a/1.png?v=2").json
    assert (profile["nickname"], profile["birthday"], profile["gender"]) == ("小果", "2000-02-29", "FEMALE")
    assert profile["avatar_url"] == "https://img.example.com/a/1.png?v=2"
    cleared = patch(call, one.token, birthday=None, nickname="", avatar_url="").json
    assert (cleared["birthday"], cleared["nickname"], cleared["avatar_url"]) == (None, "", "")
    assert patch(call, one.token).json == cleared


@pytest.mark.parametrize(
    "nickname", ["👨‍👩‍👧‍👦🏳️‍🌈", "𠮷野家", "é" * 16, "果" * 32, "%s;DROP TABLE member--'\"\\", "💀" * 32]
)
def test_names_are_stored_intact(call: Call, shopper: Callable[[], Any], nickname: str) -> None:
    one = shopper()
    assert patch(call, one.token, nickname=nickname).status == 200
    profile = call("members/profile", "GET", "/profile", token=one.token).json
    assert profile["nickname"] == profile["display_name"] == nickname


@pytest.mark.parametrize("nickname", ["\u202egnp.exe", "a\u2069\u202eb", "\u2067x"])
def test_a_direction_override_is_stored_intact_and_shown_isolated(
    call: Call, shopper: Callable[[], Any], nickname: str
) -> None:
    profile = patch(call, shopper().token, nickname=nickname).json
    assert profile["nickname"] == nickname
    shown = profile["display_name"]
    assert (shown[0], shown[-1]) == ("\u2068", "\u2069")
    # Nothing inside may end the isolate early.
    assert not set(shown[1:-1]) & set("\u2066\u2067\u2068\u2069")


@pytest.mark.parametrize(
    "change",
    [
        {"nickname": "果" * 33}, {"nickname": "a\r\nb"}, {"nickname": None}, {"avatar_url": "https://10.0.0.1/a"},
        {"role": "staff"}, {"state": "FROZEN"}, {"member_id": "1"}, {"phone": "13800138000"}, {"birthday": 0},
        {"birthday": "2999-01-01"}, {"gender": 1},
    ],
)  # fmt: skip
def test_anything_else_is_refused_and_changes_nothing(
    call: Call, shopper: Callable[[], Any], change: dict[str, Any]
) -> None:
    one = shopper()
    before = patch(call, one.token, nickname="小果").json
    refused = call("members/profile", "PATCH", "/profile", token=one.token, body=change)
    assert (refused.status, refused.code) == (422, "invalid_input")
    assert call("members/profile", "GET", "/profile", token=one.token).json == before


def test_a_change_reaches_nobody_else(db: Connection, call: Call, shopper: Callable[[], Any]) -> None:
    one, other = shopper(), shopper()
    patch(call, one.token, nickname="小果")
    assert call("members/profile", "GET", "/profile", token=other.token).json["nickname"] == ""


def test_a_session_without_its_member_is_no_session(db: Connection, call: Call, shopper: Callable[[], Any]) -> None:
    from orchard.runtime.database import Statement

    one = shopper()
    db.run(lambda tx: tx.execute(Statement("DELETE FROM member WHERE id = %s", (one.member_id,))))
    assert call("members/profile", "GET", "/profile", token=one.token).status == 401
