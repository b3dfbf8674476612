"""The comparison of roles with calls: what a recording holds, and what a grant lets through."""

import base64
import json
from pathlib import Path

import pytest

from infra.build.permissions import Call, Grant, allowed, grants, recorded_calls, used_by_lambda

_QUEUE = "arn:aws:sqs:us-east-1:123456789012:orders"


def _entry(service: str, body: bytes, **headers: str) -> str:
    signed = f"AWS4-HMAC-SHA256 Credential=ASIARelay/20261101/us-east-1/{service}/aws4_request, Signature=x"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    entry = {"headers": {"Authorization": signed, **named}, "method": "POST", "url": "http://127.0.0.1/"}
    return json.dumps({**entry, "body": base64.b64encode(body).decode(), "body_encoded": True})


def _recorded(tmp_path: Path, *lines: str) -> set[Call]:
    (tmp_path / "calls").write_text("\n".join(lines), encoding="utf-8")
    return recorded_calls(tmp_path / "calls", "123456789012")


def test_calls_are_told_by_target_and_by_form(tmp_path: Path) -> None:
    url = "http://127.0.0.1:5000/123456789012/orders"
    batch = json.dumps({"QueueUrl": url, "Entries": []}).encode()
    called = _recorded(
        tmp_path,
        _entry("sqs", batch, X_Amz_Target="AmazonSQS.SendMessageBatch"),
        _entry("sqs", f"Action=SendMessage&QueueUrl={url}".encode()),
        _entry("secretsmanager", b'{"SecretId": "orchard/pay"}', X_Amz_Target="secretsmanager.GetSecretValue"),
        _entry("events", b"{}", X_Amz_Target="AWSEvents.PutEvents"),
        json.dumps({"headers": {}, "url": "http://127.0.0.1/moto-api", "body": "", "body_encoded": False}),
    )
    secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:orchard/pay-AbCdEf"
    assert called == {
        Call("ASIARelay", "sqs:SendMessage", _QUEUE),
        Call("ASIARelay", "secretsmanager:GetSecretValue", secret),
        Call("ASIARelay", "events:PutEvents", "*"),
    }


def test_a_call_that_cannot_be_told_is_no_silent_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="action"):
        _recorded(tmp_path, _entry("s3", b""))


@pytest.mark.parametrize(
    ("action", "resource", "through"),
    [
        ("sqs:SendMessage", _QUEUE, True),
        ("sqs:Send*", "arn:aws:sqs:*:123456789012:orders", True),
        ("SQS:sendmessage", "*", True),
        ("sqs:ReceiveMessage", _QUEUE, False),
        ("sqs:SendMessage", _QUEUE + "-more", False),
    ],
)
def test_actions_ignore_case_and_both_take_wildcards(action: str, resource: str, through: bool) -> None:
    call = Call("ASIARelay", "sqs:SendMessage", _QUEUE)
    assert allowed(call, {Grant(action, resource, "Allow", conditional=False)}) is through


def test_a_condition_never_allows_and_always_denies() -> None:
    call = Call("ASIARelay", "sqs:SendMessage", _QUEUE)
    allow = Grant("sqs:SendMessage", _QUEUE, "Allow", conditional=False)
    assert allowed(call, {allow})
    assert not allowed(call, {Grant("sqs:SendMessage", _QUEUE, "Allow", conditional=True)})
    assert not allowed(call, {allow, Grant("sqs:*", "*", "Deny", conditional=True)})


def test_statements_are_taken_apart() -> None:
    allow = {"Effect": "Allow", "Action": ["sqs:SendMessage", "sqs:ReceiveMessage"], "Resource": _QUEUE}
    deny = {"Effect": "Deny", "Action": "ec2:*", "Resource": "*", "Condition": {}}
    document = {"PolicyDocument": {"Statement": [allow]}}
    assert grants({"Policies": [document]}, [{"PolicyDocument": {"Statement": [deny]}}]) == {
        Grant("sqs:SendMessage", _QUEUE, "Allow", conditional=False),
        Grant("sqs:ReceiveMessage", _QUEUE, "Allow", conditional=False),
        Grant("ec2:*", "*", "Deny", conditional=True),
    }


def test_lambda_polls_and_reports_only_where_the_template_says() -> None:
    receive = Grant("sqs:ReceiveMessage", _QUEUE, "Allow", conditional=False)
    send = Grant("sqs:SendMessage", _QUEUE, "Allow", conditional=False)
    assert used_by_lambda(receive, {_QUEUE}, set())
    assert not used_by_lambda(receive, set(), {_QUEUE})
    assert used_by_lambda(send, set(), {_QUEUE})
    assert not used_by_lambda(send, {_QUEUE}, set())
