"""The settings of one test run: real values, secrets generated now."""

import base64
import os
import secrets
from collections.abc import Mapping

from infra.local.mariadb import MariaDb
from orchard.runtime import settings


def base_environment(server: MariaDb, database: str) -> dict[str, str]:
    """Environment variables of every function, except those that a running platform provides."""
    return {
        "ORCHARD_DATABASE_HOST": server.host,
        "ORCHARD_DATABASE_PORT": str(server.port),
        "ORCHARD_DATABASE_NAME": database,
        "ORCHARD_DATABASE_USER": server.user,
        "ORCHARD_DATABASE_PASSWORD": server.password,
        "ORCHARD_SESSION_SECRET": secrets.token_urlsafe(48),
        "ORCHARD_PERSONAL_DATA_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "ORCHARD_PERSONAL_DATA_HASH_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "POWERTOOLS_SERVICE_NAME": "orchard-tests",
        "POWERTOOLS_METRICS_NAMESPACE": "Orchard",
        "AWS_DEFAULT_REGION": "cn-north-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }


def apply(values: Mapping[str, str]) -> None:
    """Put values into this process's environment and forget settings that were read before."""
    os.environ.update(values)
    settings.forget()
