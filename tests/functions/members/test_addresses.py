"""GET, POST /addresses: at most fifty, one default, nobody else's, encrypted at rest."""

from collections.abc import Callable
from typing import Any

import pytest

from orchard.core.ids import new_id
from orchard.members.models import MAX_ADDRESSES, TooManyAddresses
from orchard.members.schemas import AddressDraft
from orchard.members.service import addresses
from orchard.runtime.database import Connection
from orchard.runtime.sessions import MemberSession
from tests.support.calls import Answer
from tests.support.races import errors, race, values

Call = Callable[..., Answer]
Fields = dict[str, Any]


def add(call: Call, token: str, address: Fields, **changes: Any) -> Answer:
    return call("members/addresses", "POST", "/addresses", token=token, body={**address, **changes})


def listed(call: Call, token: str) -> list[Fields]:
    found: list[Fields] = call("members/addresses", "GET", "/addresses", token=token).json["addresses"]
    return found


def defaults(addresses: list[Fields]) -> list[str]:
    return [kept["address_id"] for kept in addresses if kept["is_default"]]


def test_an_address_comes_back_as_it_was_written(call: Call, shopper: Callable[[], Any], address: Fields) -> None:
    one = shopper()
    written = {**address, "latitude": 23.1357, "longitude": 113.327, "recipient": "𠮷\u202e👨‍👩‍👧‍👦"}
    added = add(call, one.token, written)
    assert added.status == 201, added.text
    expected = {**written, "is_default": True}
    assert {name: added.json[name] for name in expected} == expected
    assert listed(call, one.token) == [added.json]


def test_the_default_is_first_then_the_newest(call: Call, shopper: Callable[[], Any], address: Fields) -> None:
    one = shopper()
    first, second, third = (add(call, one.token, address).json["address_id"] for _ in range(3))
    assert [kept["address_id"] for kept in listed(call, one.token)] == [first, third, second]
    fourth = add(call, one.token, address, is_default=True).json["address_id"]
    assert [kept["address_id"] for kept in listed(call, one.token)] == [fourth, third, second, first]
    assert defaults(listed(call, one.token)) == [fourth]


def test_at_most_fifty(call: Call, shopper: Callable[[], Any], address: Fields) -> None:
    one = shopper()
    for _ in range(MAX_ADDRESSES):
        assert add(call, one.token, address).status == 201
    refused = add(call, one.token, address, is_default=True)
    assert (refused.status, refused.code) == (409, "too_many_addresses")
    assert len(listed(call, one.token)) == MAX_ADDRESSES
    assert add(call, shopper().token, address).status == 201


def test_the_limit_and_the_default_hold_when_many_are_added_at_once(
    db: Connection, call: Call, shopper: Callable[[], Any], address: Fields
) -> None:
    one = shopper()
    session = MemberSession(one.member_id, 0)
    draft = AddressDraft(**{**address, "is_default": True})
    outcomes = race(
        range(MAX_ADDRESSES + 14),
        lambda connection, _: connection.run(lambda tx: addresses.add_address(tx, session, draft)),
        connections=16,
    )
    assert len(values(outcomes)) == MAX_ADDRESSES
    assert all(isinstance(error, TooManyAddresses) for error in errors(outcomes))
    kept = listed(call, one.token)
    assert len(kept) == MAX_ADDRESSES
    assert len(defaults(kept)) == 1


def test_the_same_key_adds_once(call: Call, shopper: Callable[[], Any], address: Fields) -> None:
    one = shopper()
    first, again = (
        call("members/addresses", "POST", "/addresses", token=one.token, key="k" * 8, body=address) for _ in range(2)
    )
    assert first.status == 201
    assert (again.status, again.json) == (first.status, first.json)
    assert len(listed(call, one.token)) == 1
    other = {**address, "detail": "别处"}
    reused = call("members/addresses", "POST", "/addresses", token=one.token, key="k" * 8, body=other)
    assert (reused.status, reused.code) == (409, "idempotency_key_reused")


def test_the_table_reveals_nobody(db: Connection, call: Call, shopper: Callable[[], Any], address: Fields) -> None:
    add(call, shopper().token, address, latitude=23.1357, longitude=113.327)
    row = db.run(lambda tx: tx.row("SELECT * FROM member_address"))
    assert row is not None
    stored = b"".join(value if isinstance(value, bytes) else str(value).encode() for value in row.values())
    for secret in (address["recipient"], address["phone"], address["detail"], "23.1357"):
        assert secret.encode() not in stored


def test_a_sealed_field_moved_to_another_row_does_not_open(
    db: Connection, call: Call, shopper: Callable[[], Any], address: Fields
) -> None:
    from cryptography.exceptions import InvalidTag

    from orchard.runtime.database import Statement

    one = shopper()
    add(call, one.token, address)
    add(call, one.token, address)
    moved = "UPDATE member_address SET detail_sealed = recipient_sealed WHERE member_id = %s"
    db.run(lambda tx: tx.execute(Statement(moved, (one.member_id,))))
    with pytest.raises(InvalidTag):
        db.run(lambda tx: addresses.list_addresses(tx, MemberSession(one.member_id, new_id())))


@pytest.mark.parametrize(
    "changes",
    [
        {"region_code": "440100"}, {"region_code": "999999"}, {"region_code": "44010"}, {"region_code": "44010６"},
        {"region_code": 440106}, {"phone": "12345678901"}, {"phone": "1" * 100_000}, {"phone": "13800138000\r\nX: 1"},
        {"recipient": ""}, {"recipient": "   "}, {"recipient": "果" * 31}, {"recipient": "a\nb"}, {"detail": ""},
        {"detail": "果" * 121}, {"province": ""}, {"tag": "果" * 11}, {"is_default": "true"}, {"is_default": 1},
        {"latitude": 23.1}, {"latitude": 91, "longitude": 0}, {"latitude": "north", "longitude": 0},
        {"member_id": "1"}, {"address_id": "1"}, {"detail": None}, {"detail": "\u0000"}, {"detail": ["x"]},
    ],
)  # fmt: skip
def test_anything_else_is_refused_and_keeps_nothing(
    call: Call, shopper: Callable[[], Any], address: Fields, changes: Fields
) -> None:
    one = shopper()
    refused = add(call, one.token, address, **changes)
    assert (refused.status, refused.code) == (422, "invalid_input")
    assert listed(call, one.token) == []


def test_what_was_refused_is_not_repeated_in_the_answer(
    call: Call, shopper: Callable[[], Any], address: Fields
) -> None:
    refused = add(call, shopper().token, address, phone="00013800138000")
    assert "13800138000" not in refused.text
    assert refused.json["errors"] == [{"field": "body.phone", "type": "value_error"}]


def test_without_a_session_nothing_is_shown(call: Call, address: Fields) -> None:
    assert call("members/addresses", "GET", "/addresses").status == 401
    assert call("members/addresses", "POST", "/addresses", body=address).status == 401


def test_what_is_kept_for_a_repetition_reveals_nobody(
    db: Connection, call: Call, shopper: Callable[[], Any], address: Fields
) -> None:
    assert call("members/addresses", "POST", "/addresses", token=shopper().token, body=address).status == 201
    (kept,) = db.run(lambda tx: tx.rows("SELECT body FROM idempotency"))
    assert [value for value in ("李小果", "13800138000", "体育西路") if value in kept["body"]] == []
