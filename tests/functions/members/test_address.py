"""GET, PUT, DELETE /addresses/{address_id}: the owner's, whole, with exactly one default."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchard.core.errors import NotFound
from orchard.core.ids import new_id
from orchard.members import service
from orchard.members.schemas import AddressDraft
from orchard.members.service import addresses
from orchard.runtime.database import Connection
from orchard.runtime.sessions import MemberSession
from tests.support.calls import Answer
from tests.support.races import errors, race

Call = Callable[..., Answer]
Fields = dict[str, Any]
METHODS = ("GET", "PUT", "DELETE")


def add(call: Call, token: str, address: Fields, **changes: Any) -> str:
    added = call("members/addresses", "POST", "/addresses", token=token, body={**address, **changes})
    return str(added.json["address_id"])


def one_of(call: Call, method: str, token: str | None, address_id: object, body: Fields | None = None) -> Answer:
    return call("members/address", method, f"/addresses/{address_id}", token=token, body=body)


def listed(call: Call, token: str) -> list[tuple[str, bool]]:
    found = call("members/addresses", "GET", "/addresses", token=token).json["addresses"]
    return [(kept["address_id"], kept["is_default"]) for kept in found]


def test_put_replaces_the_whole_address(call: Call, shopper: Callable[[], Any], address: Fields) -> None:
    one = shopper()
    address_id = add(call, one.token, address, latitude=23.1, longitude=113.3)
    changed = {**address, "recipient": "王大果", "phone": "020-12345678", "region_code": "441900", "tag": ""}
    answer = one_of(call, "PUT", one.token, address_id, changed)
    assert answer.status == 200, answer.text
    assert answer.json == {
        **changed, "address_id": address_id, "is_default": True, "latitude": None, "longitude": None
    }  # fmt: skip
    assert one_of(call, "GET", one.token, address_id).json == answer.json
    partial = one_of(call, "PUT", one.token, address_id, {"detail": "别处"})
    assert partial.status == 422


def test_the_default_moves_and_never_vanishes(call: Call, shopper: Callable[[], Any], address: Fields) -> None:
    one = shopper()
    first, second, third = (add(call, one.token, address) for _ in range(3))
    assert one_of(call, "PUT", one.token, second, {**address, "is_default": True}).json["is_default"] is True
    assert listed(call, one.token) == [(second, True), (third, False), (first, False)]
    # Taking the mark away without giving it to another keeps it where it is.
    assert one_of(call, "PUT", one.token, second, address).json["is_default"] is True
    assert one_of(call, "DELETE", one.token, second).status == 204
    assert listed(call, one.token) == [(third, True), (first, False)]
    assert one_of(call, "DELETE", one.token, first).status == 204
    assert one_of(call, "DELETE", one.token, third).status == 204
    assert listed(call, one.token) == []


def test_deleting_answers_nothing_and_only_once(call: Call, shopper: Callable[[], Any], address: Fields) -> None:
    one = shopper()
    address_id = add(call, one.token, address)
    gone = one_of(call, "DELETE", one.token, address_id)
    assert (gone.status, gone.text) == (204, "")
    assert one_of(call, "DELETE", one.token, address_id).status == 404


@pytest.mark.parametrize("method", METHODS)
def test_a_foreign_address_answers_like_a_missing_one(
    call: Call, shopper: Callable[[], Any], address: Fields, method: str
) -> None:
    owner, stranger = shopper(), shopper()
    address_id = add(call, owner.token, address)
    body = address if method == "PUT" else None
    foreign = one_of(call, method, stranger.token, address_id, body)
    missing = one_of(call, method, stranger.token, new_id(), body)
    assert (foreign.status, foreign.code) == (404, "not_found")
    for answer in (foreign, missing):
        answer.json.pop("request_id")
    assert (foreign.headers, foreign.json) == (missing.headers, missing.json)
    assert one_of(call, "GET", owner.token, address_id).status == 200


@pytest.mark.parametrize("address_id", ["0", "-1", "1.0", "abc", "9" * 19, "1%20OR%201=1", "１", "1e3"])
def test_an_impossible_id_finds_nothing(call: Call, shopper: Callable[[], Any], address_id: str) -> None:
    one = shopper()
    assert one_of(call, "GET", one.token, address_id).status in {404, 422}


def test_without_a_session_nothing_is_shown(call: Call, address: Fields) -> None:
    for method in METHODS:
        assert one_of(call, method, None, 1, address if method == "PUT" else None).status == 401


def test_orders_read_an_address_only_for_its_owner(db: Connection, shopper: Callable[[], Any], address: Fields) -> None:
    owner, stranger = shopper(), shopper()
    session = MemberSession(owner.member_id, 0)
    added = db.run(lambda tx: addresses.add_address(tx, session, AddressDraft(**address)))
    rows = db.run(lambda tx: tx.packet([service.address_statement(owner.member_id, added.address_id)])[0].rows)
    read = service.read_address(rows, owner.member_id)
    assert (read.recipient, read.phone, read.detail) == (address["recipient"], address["phone"], address["detail"])
    assert address["phone"] not in repr(read)
    with pytest.raises(NotFound):
        service.read_address(rows, stranger.member_id)
    foreign = db.run(lambda tx: tx.packet([service.address_statement(stranger.member_id, added.address_id)])[0].rows)
    with pytest.raises(NotFound):
        service.read_address(foreign, stranger.member_id)


def test_deleting_and_choosing_at_once_leaves_one_default(
    db: Connection, call: Call, shopper: Callable[[], Any], address: Fields
) -> None:
    one = shopper()
    session = MemberSession(one.member_id, 0)
    ids = [int(add(call, one.token, address)) for _ in range(12)]
    chosen = AddressDraft(**{**address, "is_default": True})

    def change(connection: Connection, address_id: int) -> None:
        if address_id % 2:
            connection.run(lambda tx: addresses.delete_address(tx, session, address_id))
        else:
            connection.run(lambda tx: addresses.replace_address(tx, session, address_id, chosen))

    outcomes = race(ids, change, connections=8)
    assert errors(outcomes) == []
    kept = listed(call, one.token)
    assert len(kept) == len([address_id for address_id in ids if address_id % 2 == 0])
    assert len([True for _, is_default in kept if is_default]) == (1 if kept else 0)


STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "replace", "delete"]), st.integers(0, 5), st.booleans()), max_size=12
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_any_history_leaves_exactly_one_default(
    db: Connection, shopper: Callable[[], Any], address: Fields, steps: list[tuple[str, int, bool]]
) -> None:
    session = MemberSession(shopper().member_id, 0)
    for step, which, is_default in steps:
        draft = AddressDraft(**{**address, "is_default": is_default})
        kept = db.run(lambda tx: addresses.list_addresses(tx, session)).addresses
        chosen = kept[which].address_id if which < len(kept) else None
        if step == "add":
            db.run(lambda tx, draft=draft: addresses.add_address(tx, session, draft))  # type: ignore[misc]
        elif chosen is not None and step == "replace":
            db.run(lambda tx, i=chosen, draft=draft: addresses.replace_address(tx, session, i, draft))  # type: ignore[misc]
        elif chosen is not None:
            db.run(lambda tx, i=chosen: addresses.delete_address(tx, session, i))  # type: ignore[misc]
        left = db.run(lambda tx: addresses.list_addresses(tx, session)).addresses
        assert [kept.is_default for kept in left] == [True, *[False] * (len(left) - 1)][: len(left)]
