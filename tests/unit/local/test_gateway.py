"""HTTP APIs and the Invoke API in front of the fixture functions: shapes, limits, failures."""

import base64
import json

import pytest

from infra.local.cloud import LocalCloud
from infra.local.processes import LocalCloudError
from tests.support.local_bundle import call


def test_a_request_arrives_in_payload_format_2(cloud: LocalCloud) -> None:
    answer = call(
        cloud.api_url,
        "GET",
        "/echo/%E8%8B%B9%E6%9E%9C?a=1&b=%E6%A2%A8&a=2&empty=",
        Cookie="one=1; two=2",
        X_Shop="North",
        User_Agent="fixture",
    )
    event = answer.json()["event"]
    context = event.pop("requestContext")
    headers = event.pop("headers")
    assert event == {
        "version": "2.0",
        "routeKey": "GET /echo/{name}",
        "rawPath": "/echo/苹果",
        "rawQueryString": "a=1&b=%E6%A2%A8&a=2&empty=",
        "cookies": ["one=1", "two=2"],
        "queryStringParameters": {"a": "1,2", "b": "梨", "empty": ""},
        "pathParameters": {"name": "苹果"},
        "isBase64Encoded": False,
    }
    assert headers["x-shop"] == "North"
    assert "cookie" not in headers
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert context["http"] == {
        "method": "GET",
        "path": "/echo/苹果",
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "fixture",
    }
    assert (context["stage"], context["accountId"]) == ("$default", "123456789012")
    assert context["domainName"] == cloud.api_url.removeprefix("http://")


def test_absent_parts_are_left_out(cloud: LocalCloud) -> None:
    event = call(cloud.api_url, "GET", "/echo").json()["event"]
    assert {"pathParameters", "queryStringParameters", "cookies", "body"}.isdisjoint(event)


@pytest.mark.parametrize(
    ("kind", "body", "is_text"),
    [
        ("application/json; charset=utf-8", '{"名": 1}'.encode(), True),
        ("text/plain", b"plain", True),
        ("application/x-www-form-urlencoded", b"a=1", False),
        ("application/octet-stream", b"\x00\xff", False),
        ("application/json", b"\xff\xfe", False),
    ],
)
def test_bodies_are_text_or_base64_by_their_type(cloud: LocalCloud, kind: str, body: bytes, is_text: bool) -> None:
    event = call(cloud.api_url, "POST", "/echo", body, Content_Type=kind).json()["event"]
    assert event["isBase64Encoded"] is not is_text
    assert (event["body"].encode() if is_text else base64.b64decode(event["body"])) == body


def test_an_answer_in_format_2(cloud: LocalCloud) -> None:
    answer = call(cloud.api_url, "GET", "/echo")
    assert answer.status == 201
    assert [value for name, value in answer.headers if name == "set-cookie"] == ["a=1; HttpOnly", "b=2"]
    assert ("x-fixture", "echo") in answer.headers


@pytest.mark.parametrize(
    ("returned", "status", "kind", "body"),
    [
        ({"fruit": "梨"}, 200, "application/json", '{"fruit": "梨"}'),
        ("text", 200, "application/json", "text"),
        ({"statusCode": 202, "body": "ok"}, 202, "text/plain;charset=UTF-8", "ok"),
        ({"statusCode": 200, "body": "AP8=", "isBase64Encoded": True}, 200, "text/plain;charset=UTF-8", "\x00\xff"),
        ({"statusCode": "no"}, 500, "application/json", '{"message": "Internal Server Error"}'),
        ({"statusCode": 200, "body": {"not": "text"}}, 500, "application/json", '{"message": "Internal Server Error"}'),
        ({"statusCode": 200, "headers": {"x": [1]}}, 500, "application/json", '{"message": "Internal Server Error"}'),
    ],
)
def test_other_answers(cloud: LocalCloud, returned: object, status: int, kind: str, body: str) -> None:
    answer = call(cloud.api_url, "POST", "/plain", json.dumps(returned).encode(), Content_Type="application/json")
    headers = {name.lower(): value for name, value in answer.headers}
    assert (answer.status, headers["content-type"]) == (status, kind)
    assert answer.body == (body.encode("latin-1") if "\xff" in body else body.encode())


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nothing"),
        ("DELETE", "/plain"),
        ("HEAD", "/slow"),
        ("POST", "/hook"),
        ("GET", "/echo/"),
    ],
)
def test_what_no_route_matches_is_not_found(cloud: LocalCloud, method: str, path: str) -> None:
    answer = call(cloud.api_url, method, path)
    assert answer.status == 404
    assert method == "HEAD" or answer.json() == {"message": "Not Found"}


def test_each_api_has_its_own_routes(cloud: LocalCloud) -> None:
    hook = cloud.urls["HookApi"]
    assert call(hook, "POST", "/hook", b"{}").json()["event"]["requestContext"]["apiId"] == "hookapi"
    assert call(hook, "GET", "/echo").status == 404


def test_the_most_specific_route_wins(cloud: LocalCloud) -> None:
    keys = [
        call(cloud.api_url, "GET", path).json()["event"]["routeKey"]
        for path in ("/echo/fixed", "/echo/other", "/files/a/b/c")
    ]
    assert keys == ["GET /echo/fixed", "GET /echo/{name}", "GET /files/{proxy+}"]


def test_functions_see_their_own_environment_and_context(cloud: LocalCloud) -> None:
    seen = call(cloud.api_url, "GET", "/echo").json()
    environment = seen["environment"]
    assert environment["SHARED"] == "from-function"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == seen["function"] == "Echo"
    assert environment["AWS_ENDPOINT_URL"] == cloud.aws.url
    assert len(environment["PASSWORD"]) > 40
    assert "ORCHARD_LOCAL_GATEWAY" not in environment
    assert seen["arn"] == "arn:aws:lambda:us-east-1:123456789012:function:Echo"
    assert 4000 < seen["remaining"] <= 5000
    assert seen["layer"] == "from the layer"


def test_a_function_over_its_time_is_stopped_and_its_process_replaced(cloud: LocalCloud) -> None:
    assert call(cloud.api_url, "GET", "/slow").status == 500
    assert call(cloud.api_url, "GET", "/echo").status == 201


def test_an_exception_reveals_nothing(cloud: LocalCloud) -> None:
    answer = call(cloud.api_url, "GET", "/broken")
    assert (answer.status, answer.json()) == (500, {"message": "Internal Server Error"})


@pytest.mark.parametrize(("size", "status"), [(1_000_000, 201), (7 * 1024 * 1024, 413), (11 * 1024 * 1024, 413)])
def test_bodies_beyond_the_limits_are_refused(cloud: LocalCloud, size: int, status: int) -> None:
    assert call(cloud.api_url, "POST", "/echo", b"x" * size, Content_Type="text/plain").status == status


def test_long_headers_are_refused(cloud: LocalCloud) -> None:
    assert call(cloud.api_url, "GET", "/echo", X_Long="x" * 9_000).status == 201
    assert call(cloud.api_url, "GET", "/echo", X_Long="x" * 10_240).status == 431


def test_functions_can_be_fired_by_name(cloud: LocalCloud) -> None:
    assert cloud.fire("tick", {"batch": 1}) == {"saw": {"batch": 1}}
    with pytest.raises(LocalCloudError, match="ValueError: a detail"):
        cloud.fire("broken")
    with pytest.raises(LocalCloudError, match=r"There is no function tock\. There are: .*tick"):
        cloud.fire("tock")


def test_the_document_is_served_with_a_page(cloud: LocalCloud) -> None:
    assert b"SwaggerUIBundle" in call(cloud.api_url, "GET", "/docs/swagger-ui.js").body
    assert b"make openapi" in call(cloud.api_url, "GET", "/openapi.json").body
    assert call(cloud.urls["HookApi"], "GET", "/docs").status == 404
