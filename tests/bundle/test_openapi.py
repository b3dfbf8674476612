"""The API document: current, complete, and honest about sessions, keys and errors; sample events fit it."""

import json
import re
from typing import Any
from urllib.parse import parse_qsl

import pytest
from jsonschema_rs import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from infra import openapi
from infra.functions import ROOT, DeclaredFunction, declared, operation_id

FUNCTIONS = [function for function in declared() if any(route.api == "MiniProgramApi" for route in function.routes)]
# They create nothing that a repetition could double: a session more or less, a price, a number that is the same.
# Logging in and quoting create nothing of their own. The others move one thing from state to state, ask WeChat between
# transactions, and answer a repetition by the state they find: see docs/decisions/0007-posts-without-a-key.md.
WITHOUT_KEY = {
    "log_in", "log_out", "quote_order", "bind_phone", "cancel_order", "pay_order", "confirm_payment",
    "redeem_coupon_code",
}  # fmt: skip
WITHOUT_SESSION = {
    "log_in", "list_stores", "list_categories", "list_brands", "list_products", "search_products", "suggest_searches",
    "show_product", "list_group_buys", "show_group_buy", "show_group",
}  # fmt: skip


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi.document()


@pytest.fixture(scope="module")
def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(method.upper(), path): op for path, item in document["paths"].items() for method, op in item.items()}


Operations = dict[tuple[str, str], dict[str, Any]]


def test_committed_document_is_current(document: dict[str, Any]) -> None:
    assert openapi.PATH.read_text(encoding="utf-8") == openapi.render(document)


def test_document_is_openapi_31(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
    assert document["servers"] == [{"url": "/"}]


def test_operation_ids_are_the_functions_names(operations: Operations) -> None:
    expected = {
        (route.method, route.path): operation_id(function, route.method)
        for function in FUNCTIONS
        for route in function.routes
    }
    assert {route: operation["operationId"] for route, operation in operations.items()} == expected
    assert len(set(expected.values())) == len(expected)


def test_posts_that_create_or_move_take_a_key(operations: Operations) -> None:
    key = {"$ref": "#/components/parameters/IdempotencyKey"}
    with_key = {op["operationId"] for op in operations.values() if key in op.get("parameters", [])}
    posts = {op["operationId"] for (method, _), op in operations.items() if method == "POST"}
    assert with_key == posts - WITHOUT_KEY


def test_sessions_are_asked_for_everywhere_but_in_the_shop_window(operations: Operations) -> None:
    without = {op["operationId"] for op in operations.values() if op.get("security") != [{"session": []}]}
    assert without == WITHOUT_SESSION


def test_every_operation_describes_its_errors_and_its_answer(operations: Operations) -> None:
    problem = {"$ref": "#/components/responses/Problem"}
    for operation in operations.values():
        responses = operation["responses"]
        assert responses["4XX"] == responses["5XX"] == problem
        good = [code for code in responses if code.startswith("2")]
        assert len(good) == 1, operation["operationId"]
        if good != ["204"]:
            assert responses[good[0]]["content"]["application/json"]["schema"], operation["operationId"]


def test_every_request_body_is_a_closed_schema(document: dict[str, Any], operations: Operations) -> None:
    schemas = document["components"]["schemas"]
    for operation in operations.values():
        if "requestBody" not in operation:
            continue
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        for part in [schema, *schema.get("anyOf", [])]:
            if "$ref" in part:
                named = schemas[part["$ref"].rsplit("/", 1)[1]]
                assert named.get("additionalProperties") is False, operation["operationId"]


def test_document_speaks_only_of_its_own_errors(document: dict[str, Any]) -> None:
    assert "ValidationError" not in json.dumps(document)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.key)
def test_sample_event_fits_the_document(
    function: DeclaredFunction, document: dict[str, Any], operations: Operations
) -> None:
    event = json.loads((ROOT / "events" / f"{function.key}.json").read_text(encoding="utf-8"))
    method, path = event["routeKey"].split(" ")
    operation = operations[method, path]
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        validator = Draft202012Validator({**schema, "components": document["components"]})
        assert [error.message for error in validator.iter_errors(json.loads(event["body"]))] == []
    key = {"$ref": "#/components/parameters/IdempotencyKey"}
    assert ("idempotency-key" in event["headers"]) == (key in operation.get("parameters", []))
    assert ("authorization" in event["headers"]) == ("security" in operation)
    known = {parameter["name"] for parameter in operation.get("parameters", []) if parameter.get("in") == "query"}
    assert set(event.get("queryStringParameters", {})) <= known
    assert method in {route.method for route in function.routes}


@pytest.mark.parametrize(
    "function", [function for function in declared() if function.routes], ids=lambda function: function.key
)
def test_sample_event_has_the_shape_of_payload_2(function: DeclaredFunction) -> None:
    event = json.loads((ROOT / "events" / f"{function.key}.json").read_text(encoding="utf-8"))
    method, path = event["routeKey"].split(" ")
    http = event["requestContext"]["http"]
    assert (event["version"], event["isBase64Encoded"]) == ("2.0", False)
    assert (http["method"], http["path"]) == (method, event["rawPath"])
    assert event["requestContext"]["routeKey"] == event["routeKey"]
    assert all(name == name.lower() for name in event["headers"])
    assert dict(parse_qsl(event["rawQueryString"])) == event.get("queryStringParameters", {})
    filled = path
    for name, value in event.get("pathParameters", {}).items():
        filled = filled.replace(f"{{{name}}}", value)
    assert filled == event["rawPath"]
    assert not re.search(r"[{}]", filled)


@pytest.mark.parametrize("function", [f for f in declared() if not f.routes], ids=lambda function: function.key)
def test_sample_event_comes_from_the_functions_trigger(function: DeclaredFunction) -> None:
    event = json.loads((ROOT / "events" / f"{function.key}.json").read_text(encoding="utf-8"))
    if function.events("ScheduleV2"):
        assert (event["source"], event["detail-type"], event["detail"]) == ("aws.scheduler", "Scheduled Event", "{}")
    elif function.events("SQS"):
        (record,) = event["Records"]
        assert record["eventSource"] == "aws:sqs"
        assert record["eventSourceARN"].endswith(f":{function.events('SQS')[0]['Queue']['Fn::GetAtt'][0]}")
        assert json.loads(record["body"]).keys() == {"id", "topic", "subject", "payload"}
    else:
        assert event["RequestType"] in {"Create", "Update"}
