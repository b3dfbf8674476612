"""The matrix of who may call what, generated from the API document: a new operation is in it by itself."""

from typing import Any

import pytest

from infra.functions import declared
from orchard.runtime import sessions
from orchard.runtime.database import Statement
from tests.security.operations import Operation, operations
from tests.security.tokens import bad_authorizations
from tests.security.world import MISSING, PRIVATE, Request, World, footprint
from tests.support import calls

# Whatever is not in this list needs a session.
PUBLIC = {
    "list_brands", "list_categories", "list_group_buys", "list_products", "list_stores", "log_in", "search_products",
    "show_group", "show_group_buy", "show_product", "suggest_searches",
}  # fmt: skip
ALL = operations()
SECURED = [operation for operation in ALL if operation.secured]
OF_AN_OBJECT = [operation for operation in SECURED if PRIVATE & set(operation.in_path)]
_METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
each_secured = pytest.mark.parametrize("operation", SECURED, ids=lambda operation: operation.name)


def _plain(answer: calls.Answer) -> tuple[int, dict[str, str], str]:
    """The answer without its request id, which is the one thing that may differ."""
    request_id = answer.json["request_id"]
    return answer.status, answer.headers, answer.text.replace(request_id, "")


def _session(world: World) -> tuple[str, int]:
    """A further session of the owner's: its token and id."""
    token = world.db.run(lambda tx: sessions.open_session(tx, world.owner.member_id))
    live = world.db.run(lambda tx: sessions.authenticate(tx, f"Bearer {token}"))
    return token, live.session_id


def test_what_is_public_is_listed_here() -> None:
    assert {operation.name for operation in ALL if not operation.secured} == PUBLIC


def test_the_matrix_has_every_route_of_the_template() -> None:
    routes = {(r.method, r.path) for f in declared() for r in f.routes if r.api == "MiniProgramApi"}
    assert {(operation.method, operation.path) for operation in ALL} == routes


@each_secured
def test_without_a_good_token_nobody_comes_in(world: World, tables: list[str], operation: Operation) -> None:
    request = world.request(operation)
    token, session_id = _session(world)
    bad = bad_authorizations(token, session_id, world.owner.member_id, world.stranger.member_id)
    before = footprint(world.db, tables)
    expected = _plain(request.send())
    assert (expected[0], request.send().code) == (401, "unauthenticated")
    for name, value in bad.items():
        request.headers = {"authorization": value}
        assert _plain(request.send()) == expected, name
    assert footprint(world.db, tables) == before


@each_secured
def test_a_token_counts_in_its_header_only(world: World, tables: list[str], operation: Operation) -> None:
    request, token = world.request(operation), world.owner.token
    event = calls.http_event(operation.method, operation.path.format(**request.path), body=request.body)
    event["headers"]["idempotency-key"] = "0123456789abcdef"
    event["cookies"] = [f"{name}={token}" for name in ("authorization", "token", "session")]
    event["queryStringParameters"] = {**request.query, "access_token": token, "token": token, "authorization": token}
    event["rawQueryString"] = f"access_token={token}&authorization=Bearer%20{token}"
    names = ("cookie", "x-authorization", "proxy-authorization", "x-api-key", "x-forwarded-authorization", "token")
    event["headers"] |= dict.fromkeys(names, f"Bearer {token}")
    event["requestContext"]["authorizer"] = {"lambda": {"member_id": world.owner.member_id}}
    before = footprint(world.db, tables)
    assert calls.answer_of(calls.invoke(operation.function, event)).status == 401
    assert footprint(world.db, tables) == before


@each_secured
def test_an_ended_session_is_no_session(world: World, tables: list[str], operation: Operation) -> None:
    request = world.request(operation)
    logged_out, _ = _session(world)
    out = calls.call("members/log_out", "POST", "/log-out", token=logged_out, body={}, key=None)
    assert out.status == 200
    outlived, session_id = _session(world)
    past = "UPDATE member_session SET expires_at = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND WHERE id = %s"
    world.db.run(lambda tx: tx.execute(Statement(past, (session_id,), expect=1)))
    before = footprint(world.db, tables)
    assert [request.send(token).code for token in (logged_out, outlived)] == ["unauthenticated"] * 2
    assert footprint(world.db, tables) == before


@pytest.mark.parametrize("operation", OF_AN_OBJECT, ids=lambda operation: operation.name)
def test_anothers_object_is_a_missing_one(world: World, tables: list[str], operation: Operation) -> None:
    mine = world.request(operation)
    missing = Request(operation, dict.fromkeys(mine.path, MISSING), mine.body, mine.query)
    before = footprint(world.db, tables)
    theirs = mine.send(world.stranger.token)
    assert theirs.status == 404, theirs.text
    assert _plain(theirs) == _plain(missing.send(world.stranger.token))
    assert footprint(world.db, tables) == before


def _private_fields() -> list[tuple[Operation, str]]:
    """Operations whose body names something private, with each such field."""
    found = []
    for operation in SECURED:
        if operation.body:
            names = set(operation.body["properties"])
            nested = {"address_id"} if "delivery" in names else set()
            found += [(operation, name) for name in sorted((names | nested) & PRIVATE)]
    return found


@pytest.mark.parametrize(("operation", "name"), _private_fields(), ids=lambda value: getattr(value, "name", value))
def test_anothers_id_in_a_body_is_a_missing_one(
    world: World, tables: list[str], operation: Operation, name: str
) -> None:
    """The stranger's own request, but for one id: the owner's, then one that nobody has."""
    own, foreign = world.request(operation, world.stranger), world.id_of(name, world.owner)
    before, answers = footprint(world.db, tables), []
    for used in (foreign, MISSING):
        own.body = _with_id(own.body, name, used)
        answers.append(own.send(world.stranger.token))
    assert [answer.status // 100 for answer in answers] == [4, 4], answers[0].text
    texts = [_plain(answer)[2].replace(used, "") for answer, used in zip(answers, (foreign, MISSING), strict=True)]
    assert texts[0] == texts[1]
    assert footprint(world.db, tables) == before


def _with_id(body: dict[str, Any], name: str, value: str) -> dict[str, Any]:
    if name == "address_id":
        return {**body, "delivery": {"method": "express", "address_id": value}}
    return {**body, name: [value] if name.endswith("s") else value}


@pytest.mark.parametrize("operation", [one for one in ALL if one.method == "GET"], ids=lambda operation: operation.name)
def test_a_stranger_reads_nothing_of_the_owner(world: World, operation: Operation) -> None:
    hers = {name: world.id_of(name, world.owner) for name in sorted(PRIVATE)}
    answer = world.request(operation).send(world.stranger.token)
    secret = [*hers.values(), world.owner.openid, str(world.owner.member_id), "王小明", "13900001111"]
    assert [value for value in secret if value in answer.text] == []


@pytest.mark.parametrize("operation", ALL, ids=lambda operation: operation.name)
def test_answers_are_typed_and_kept_by_no_cache(world: World, operation: Operation) -> None:
    request = world.request(operation)
    for token in (None, world.stranger.token):
        request.key = None
        answer = request.send(token)
        assert answer.headers["cache-control"] == "no-store"
        if answer.status != 204:
            wanted = "application/json" if answer.status < 300 else "application/problem+json"
            assert answer.headers["content-type"].partition(";")[0] == wanted
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", sorted({operation.path for operation in ALL}))
def test_methods_that_are_not_documented_do_not_exist(world: World, tables: list[str], path: str) -> None:
    known = [operation for operation in ALL if operation.path == path]
    request = world.request(known[0])
    before = footprint(world.db, tables)
    for method in sorted(_METHODS - {operation.method for operation in known} | {"HEAD", "OPTIONS", "TRACE", "BREW"}):
        asked = path.format(**request.path)
        assert calls.call(known[0].function, method, asked, token=world.owner.token).status == 404, method
    assert footprint(world.db, tables) == before


CALLBACKS = [(function, route) for function in declared() for route in function.routes if route.api != "MiniProgramApi"]


@pytest.mark.parametrize(("function", "route"), CALLBACKS, ids=lambda value: getattr(value, "path", value))
def test_callbacks_take_nothing_without_a_signature(world: World, tables: list[str], function: Any, route: Any) -> None:
    before = footprint(world.db, tables)
    for headers in ({}, {"authorization": f"Bearer {world.owner.token}"}, {"wechatpay-serial": "1"}):
        for body in ("", "{}", '{"id":"1"}', "[]", "null"):
            answer = calls.call(function.key, route.method, route.path, key=None, body=body, headers=headers)
            assert (answer.status, answer.json["code"]) == (401, "FAIL")
    assert footprint(world.db, tables) == before
