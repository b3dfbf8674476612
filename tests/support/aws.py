"""AWS accounts of one's own, in moto."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import pytest
from moto import mock_aws

from orchard.runtime import settings


@contextmanager
def own_account() -> Iterator[None]:
    """An account that nothing else of this process uses: moto keeps all others' things, and forgets none of them."""
    role = f"arn:aws:iam::{secrets.randbelow(9 * 10**11) + 10**11}:role/tests"
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        client = boto3.Session(region_name="us-east-1").client("sts")
        keys = client.assume_role(RoleArn=role, RoleSessionName="tests")["Credentials"]
        patch.setenv("AWS_ACCESS_KEY_ID", keys["AccessKeyId"])
        patch.setenv("AWS_SECRET_ACCESS_KEY", keys["SecretAccessKey"])
        patch.setenv("AWS_SESSION_TOKEN", keys["SessionToken"])
        # Clients go on with the credentials that they were made with, and so does the session that makes them.
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        settings.forget()
        yield
    settings.forget()
