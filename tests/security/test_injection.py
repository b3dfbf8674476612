"""Hostile strings and numbers in every place of the API document that takes one: refused, or kept as they are."""

import json
import re
from typing import Any

import jsonschema_rs
import pytest

from infra.openapi import Document
from tests.security.operations import Operation, document, operations, put, slots
from tests.security.payloads import NUMBERS, QUERY_NUMBERS, STRINGS
from tests.security.world import Request, World, footprint
from tests.support.calls import Answer
from tests.support.till import Buyer

ALL = operations()
_LEAKS = re.compile(r"Traceback|File \"|pymysql|MariaDB|MySQL|SQLSTATE|syntax to use|orchard\.|/layers/|site-packages")
# What a shopper's accepted request may write; nothing else in the shop may move.
_WRITTEN = {
    "access_token", "cart", "cart_line", "coupon", "coupon_code_try", "coupon_event", "coupon_template", "idempotency",
    "member", "member_address", "member_session", "order_event", "order_line", "orders", "outbox", "stock",
    "stock_ledger",
}  # fmt: skip
HALF = re.compile("[\ud800-\udfff]")
_NUMERIC = {"integer", "number", "boolean"}


def _name(operation: Operation) -> str:
    return operation.name


@pytest.fixture(scope="module")
def attacker(world: World) -> Buyer:
    """A member with nothing better to do."""
    return world.till.buyer()


def _owner_rows(world: World) -> Any:
    """Every row that names the owner."""
    sql = (
        "SELECT table_name AS name FROM information_schema.columns"
        " WHERE table_schema = DATABASE() AND column_name = 'member_id' ORDER BY table_name"
    )
    names = [row["name"] for row in world.till.rows(sql)]
    assert len(names) > 5
    hers = world.owner.member_id
    return {name: world.till.rows(f"SELECT * FROM {name} WHERE member_id = %s", hers) for name in names}


def _fixed(world: World, tables: list[str]) -> Any:
    return footprint(world.db, [name for name in tables if name not in _WRITTEN]), _owner_rows(world)


def _check(answer: Answer, what: str) -> None:
    """A success, or a typed refusal that gives nothing away."""
    assert answer.status < 500, (what, answer.text[:300])
    if answer.status >= 400:
        assert answer.headers["content-type"] == "application/problem+json", what
        assert answer.json["code"], what
        assert not _LEAKS.search(answer.text), what


def _prepared(world: World, operation: Operation, attacker: Buyer) -> Request:
    request = world.request(operation, attacker, whole=True)
    if operation.body:
        # Were the untouched request refused for its form, nothing behind the form would be tried.
        assert request.send(world.further_session(attacker)).code != "invalid_input"
    return request


def _with(request: Request, place: str, name: str, value: str) -> Request:
    changed = Request(request.operation, dict(request.path), request.body, dict(request.query), key=request.key)
    if place == "path":
        changed.path[name] = value
    elif place == "query":
        changed.query[name] = value
    else:
        changed.key = value
    return changed


IN_PARAMETERS = [o for o in ALL if any(p.schema.get("type") == "string" for p in o.parameters)]
IN_BODIES = [o for o in ALL if o.body and slots(o.body, {"string"})]


@pytest.mark.parametrize("operation", IN_PARAMETERS, ids=_name)
def test_strings_in_parameters(world: World, tables: list[str], attacker: Buyer, operation: Operation) -> None:
    request, before = world.request(operation, attacker), _fixed(world, tables)
    for parameter in operation.parameters:
        for what, value in STRINGS.items() if parameter.schema.get("type") == "string" else ():
            # A query comes percent-encoded, so it is text by the time the gateway has decoded it.
            if parameter.place == "query" and HALF.search(value):
                continue
            answer = _with(request, parameter.place, parameter.name, value).send(attacker.token)
            _check(answer, f"{parameter.name}: {what}")
    assert _fixed(world, tables) == before


@pytest.mark.parametrize("operation", IN_BODIES, ids=_name)
def test_strings_in_bodies(world: World, tables: list[str], attacker: Buyer, operation: Operation) -> None:
    request, before = _prepared(world, operation, attacker), _fixed(world, tables)
    whole, accepted = request.body, 0
    for at, _ in slots(operation.body or {}, {"string"}):
        for what, value in STRINGS.items():
            request.body = put(whole, at, value)
            answer = request.send(attacker.token)
            _check(answer, f"{at}: {what}")
            accepted += _kept_intact(world, request, attacker, answer, str(at[-1]), value)
    assert _fixed(world, tables) == before
    assert accepted or operation.name not in {"post_addresses", "put_address", "patch_profile"}


def _kept_intact(world: World, request: Request, attacker: Buyer, answer: Answer, name: str, value: str) -> bool:
    """Whether the text was taken; it must then come back as it was, now and when it is read again."""
    if answer.status >= 300 or name not in (answer.json or {}):
        return False
    assert answer.json[name] == value.strip(), name
    reading = [o for o in ALL if o.path == request.operation.path and o.method == "GET" and not o.body]
    if reading and reading[0].name != "get_addresses":
        read = Request(reading[0], request.path).send(attacker.token)
        assert read.json[name] == value.strip(), name
    return True


@pytest.mark.parametrize("operation", [o for o in ALL if o.body and slots(o.body, _NUMERIC)], ids=_name)
def test_numbers_in_bodies(world: World, tables: list[str], attacker: Buyer, operation: Operation) -> None:
    request, before = _prepared(world, operation, attacker), _fixed(world, tables)
    whole = request.body
    for at, schema in slots(operation.body or {}, _NUMERIC):
        for what, literal in NUMBERS.items():
            if operation.name == "log_out" and literal in {"true", "false"}:
                continue
            request.body = json.dumps(put(whole, at, "@@")).replace('"@@"', literal)
            answer = request.send(attacker.token)
            _check(answer, f"{at}: {what}")
            assert answer.status != 200 or _fits(operation, request.body), (at, what, schema)
    assert _fixed(world, tables) == before


def _fits(operation: Operation, body: str) -> bool:
    """Whether a body is what the document says; JSON itself knows no NaN, and one name only once."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return False
    schema: Document = {**(operation.body or {}), "components": document()["components"]}
    return jsonschema_rs.is_valid(schema, parsed)


@pytest.mark.parametrize(
    "operation",
    [o for o in ALL if any(p.place == "query" and p.schema.get("type") in _NUMERIC for p in o.parameters)],
    ids=_name,
)
def test_numbers_in_queries(world: World, tables: list[str], attacker: Buyer, operation: Operation) -> None:
    request, before = world.request(operation, attacker), _fixed(world, tables)
    for parameter in operation.parameters:
        for value in QUERY_NUMBERS if parameter.schema.get("type") in _NUMERIC else ():
            answer = _with(request, "query", parameter.name, value).send(attacker.token)
            _check(answer, f"{parameter.name}: {value[:20]!r}")
    assert _fixed(world, tables) == before


def _found(world: World, attacker: Buyer, name: str, text: str) -> list[Any]:
    """What a search or its suggestions say to a text."""
    world.id_of("product_id", attacker)
    operation = next(operation for operation in ALL if operation.name == name)
    answer = _with(world.request(operation, attacker), "query", "q", text).send().json
    return next(value for value in answer.values() if isinstance(value, list))


@pytest.mark.parametrize("name", ["search_products", "suggest_searches"])
def test_wildcards_of_a_search_are_no_wildcards(world: World, attacker: Buyer, name: str) -> None:
    assert _found(world, attacker, name, "果品")
    assert [wild for wild in ("%", "_", "\\", "%%", "__") if _found(world, attacker, name, wild)] == []
