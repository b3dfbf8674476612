"""Deployment step: make the functions' account, apply the missing migrations, try that account's way."""

from typing import Any

from orchard.runtime import accounts, migrations
from orchard.runtime.database import Connection
from orchard.runtime.deployment import DeploymentStep


def migrate_database(connection: Connection) -> dict[str, Any]:
    with accounts.administrator(connection) as administrator:
        applied = migrations.apply(administrator)
    accounts.prove(connection)
    return {"applied": applied}


step = DeploymentStep("migrate_database", migrate_database)
handler = step.handler
