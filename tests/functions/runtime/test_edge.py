"""The HTTP edge: hostile bodies are typed refusals, problems are one format, bugs reveal nothing."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pymysql
import pytest

from orchard.core.errors import Conflict, TooManyRequests
from orchard.core.schemas import Quantity, Schema
from orchard.runtime.api import Api, CurrentMember, Transaction
from orchard.runtime.database import Connection, DatabaseLost, insert
from tests.support.calls import Answer, Context, answer_of, http_event

PHONE = "13800138000"
api = Api()
attempts: list[int] = []


class Wish(Schema):
    quantity: Quantity
    note: str = ""


class Echo(Schema):
    quantity: int
    note: str


class SoldOut(Conflict):
    code = "sold_out"
    message = "卖完了"


@api.post("/wishes", status_code=201)
def post_wishes(wish: Wish, member: CurrentMember, tx: Transaction) -> Echo:
    return Echo(quantity=wish.quantity, note=wish.note)


@api.put("/wishes")
def put_wishes(wish: Wish) -> Echo:
    return Echo(quantity=wish.quantity, note=wish.note)


@api.get("/failures/<kind>")
def get_failures(kind: str, tx: Transaction) -> Echo:
    tx.execute(insert("scratch", [{"id": 1, "note": ""}]))
    attempts.append(1)
    errors: dict[str, Exception] = {
        "bug": RuntimeError(f"phone {PHONE}"),
        "sold-out": SoldOut(sku_ids=["1"]),
        "busy": TooManyRequests(),
        "deadlock": pymysql.OperationalError(1213, f"Deadlock {PHONE}"),
        "lost": DatabaseLost(),
    }
    if kind == "twice" and len(attempts) < 3:
        raise pymysql.OperationalError(1213, "Deadlock")
    if kind in errors:
        raise errors[kind]
    return Echo(quantity=len(attempts), note=kind)


def send(body: Any = None, *, method: str = "PUT", path: str = "/wishes", **headers: str) -> Answer:
    event = http_event(method, path, body=body, headers={name.replace("_", "-"): v for name, v in headers.items()})
    return answer_of(api.handler(event, Context("request-1")))


def check_problem(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.code) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "code", "detail", "request_id"} <= set(answer.json)
    assert answer.json["status"] == status
    assert answer.json["request_id"] == "request-1"


@pytest.fixture(autouse=True)
def _fresh() -> None:
    attempts.clear()


def test_an_escaped_emoji_is_taken(db: Connection) -> None:
    assert send('{"quantity":2,"note":"\\ud83d\\ude00"}').json == {"quantity": 2, "note": "😀"}


def test_a_good_body_is_taken_plain_or_in_base64(db: Connection) -> None:
    body = json.dumps({"quantity": 2, "note": "果"}, ensure_ascii=False)
    assert send(body).json == send(body.encode()).json == {"quantity": 2, "note": "果"}


HOSTILE: dict[str, str | bytes] = {
    "nested lists": "[" * 100_000,
    "nested lists, closed": "[" * 100_000 + "]" * 100_000,
    "nested objects": '{"a":' * 20_000 + "1" + "}" * 20_000,
    "nested in a field": '{"quantity":1,"note":' + "[" * 5_000 + "]" * 5_000 + "}",
    "huge integer": '{"quantity":1' + "0" * 400 + "}",
    "abysmal integer": '{"quantity":1' + "0" * 100_000 + "}",
    "huge float": '{"quantity":1e400}',
    "huge exponent": '{"quantity":1e999999999}',
    "2**31 too many": '{"quantity":2147483648}',
    "2**63": '{"quantity":9223372036854775808}',
    "zero": '{"quantity":0}',
    "negative": '{"quantity":-1}',
    "fraction": '{"quantity":1.5}',
    "whole fraction": '{"quantity":1.0}',
    "text": '{"quantity":"1"}',
    "true": '{"quantity":true}',
    "null": '{"quantity":null}',
    "NaN": '{"quantity":NaN}',
    "Infinity": '{"quantity":-Infinity}',
    "duplicate name": '{"quantity":1,"quantity":2}',
    "duplicate name, escaped": '{"quantity":1,"quantit\\u0079":2}',
    "unknown field": '{"quantity":1,"price_fen":1}',
    "missing field": "{}",
    "a list": "[]",
    "a word": "null",
    "a string": '"quantity"',
    "empty": "",
    "blank": " ",
    "cut off": '{"quantity":1',
    "two documents": '{"quantity":1}{"quantity":1}',
    "trailing comma": '{"quantity":1,}',
    "single quotes": "{'quantity':1}",
    "byte order mark": b'\xef\xbb\xbf{"quantity":1}',
    "UTF-16": '{"quantity":1}'.encode("utf-16"),
    "not UTF-8": b'{"quantity":1,"note":"\xff\xfe"}',
    "over-long UTF-8": b'{"quantity":1,"note":"\xc0\xaf"}',
    "gzip bomb": gzip.compress(b"0" * 10_000_000),
    "half a character": '{"quantity":1,"note":"\\ud800"}',
    "half a character in a name": '{"quantity":1,"\\uDC00":1}',
    "halves the wrong way round": '{"quantity":1,"note":"\\ude00\\ud83d"}',
    "binary": bytes(range(256)),
    "null bytes": b"\x00" * 100,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bodies_are_refused(db: Connection, name: str) -> None:
    check_problem(send(HOSTILE[name]), 422, "invalid_input")


@pytest.mark.parametrize("body", ["x" * 6_000_000, b"x" * 6_000_000, '{"note":"' + "果" * 300_000 + '"}'])
def test_an_oversized_body_is_refused_before_it_is_parsed(db: Connection, body: str | bytes) -> None:
    check_problem(send(body), 413, "payload_too_large")


@pytest.mark.parametrize("encoded", ["%%%", "e3", "{}", "果", "A" * 5, "eyJxdWFudGl0eSI6MX0=\n", "A===="])
def test_invalid_base64_is_refused(db: Connection, encoded: str) -> None:
    event = {**http_event("PUT", "/wishes"), "body": encoded, "isBase64Encoded": True}
    check_problem(answer_of(api.handler(event, Context("request-1"))), 422, "invalid_input")


def test_a_wrong_content_length_is_nothing_to_us(db: Connection) -> None:
    assert send({"quantity": 1}, content_length="999999").status == 200


@pytest.mark.parametrize(
    "media",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml", "", "果"],
)
def test_other_media_types_are_refused(db: Connection, media: str) -> None:
    check_problem(send('{"quantity":1}', content_type=media), 415, "unsupported_media_type")


@pytest.mark.parametrize("media", ["application/json", "Application/JSON; charset=utf-8", " application/json "])
def test_json_is_taken_in_every_spelling(db: Connection, media: str) -> None:
    assert send('{"quantity":1}', content_type=media).status == 200


def test_hostile_bodies_are_refused_before_a_key_is_taken(db: Connection, shopper: Callable[[], Any]) -> None:
    headers = {"authorization": f"Bearer {shopper().token}", "idempotency_key": "k" * 8}
    for body in (HOSTILE["nested lists"], HOSTILE["not UTF-8"], HOSTILE["gzip bomb"], HOSTILE["abysmal integer"]):
        check_problem(send(body, method="POST", **headers), 422, "invalid_input")
    assert db.run(lambda tx: tx.rows("SELECT 1 FROM idempotency")) == []
    assert send({"quantity": 1}, method="POST", **headers).status == 201


def test_a_refused_value_is_named_by_field_and_never_repeated(db: Connection) -> None:
    answer = send({"quantity": 1, "note": "", PHONE: PHONE, "a": [PHONE]})
    check_problem(answer, 422, "invalid_input")
    assert {error["type"] for error in answer.json["errors"]} == {"extra_forbidden"}
    many = send({f"f{number}": 1 for number in range(500)})
    assert len(many.json["errors"]) <= 20


def test_a_bug_reveals_nothing(scratch: Connection) -> None:
    answer = send(method="GET", path="/failures/bug")
    check_problem(answer, 500, "internal_error")
    assert PHONE not in answer.text
    assert "Runtime" not in answer.text
    assert scratch.run(lambda tx: tx.rows("SELECT 1 FROM scratch")) == []


def test_a_typed_refusal_is_shown_with_its_details_and_rolled_back(scratch: Connection) -> None:
    answer = send(method="GET", path="/failures/sold-out")
    check_problem(answer, 409, "sold_out")
    assert (answer.json["detail"], answer.json["sku_ids"]) == ("卖完了", ["1"])
    assert scratch.run(lambda tx: tx.rows("SELECT 1 FROM scratch")) == []
    assert attempts == [1]


def test_too_many_requests_say_when_to_come_again(scratch: Connection) -> None:
    answer = send(method="GET", path="/failures/busy")
    check_problem(answer, 429, "too_many_requests")
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("kind", ["deadlock", "lost"])
def test_what_stays_busy_is_repeated_whole_then_unavailable(scratch: Connection, kind: str) -> None:
    answer = send(method="GET", path=f"/failures/{kind}")
    check_problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "1"
    assert PHONE not in answer.text
    assert len(attempts) == 4


def test_a_deadlock_that_passes_is_not_seen(scratch: Connection) -> None:
    answer = send(method="GET", path="/failures/twice")
    assert (answer.status, answer.json["quantity"]) == (200, 3)
    assert len(scratch.run(lambda tx: tx.rows("SELECT 1 FROM scratch"))) == 1


@pytest.mark.parametrize(("method", "path"), [("GET", "/nowhere"), ("DELETE", "/wishes"), ("TRACE", "/wishes")])
def test_what_is_not_there_is_not_found(db: Connection, method: str, path: str) -> None:
    answer = send(method=method, path=path)
    assert answer.status in {404, 405}
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x=1", "\u2028x", "<script>", '"}{"'])
def test_what_comes_in_cannot_break_out(db: Connection, caplog: pytest.LogCaptureFixture, value: str) -> None:
    answer = send({"quantity": 1, "note": value}, user_agent=value, x_request_id=value)
    assert answer.json == {"quantity": 1, "note": value}
    assert not any("\r" in header or "\n" in header for header in answer.headers.values())
    send({"quantity": value}, user_agent=value, idempotency_key=value)
    # Nothing of the request is logged, so nothing can forge a line.
    assert all(value not in json.dumps(vars(record), default=str, ensure_ascii=False) for record in caplog.records)
