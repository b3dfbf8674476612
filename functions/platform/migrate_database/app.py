"""Deployment step: give the functions their account, apply the migrations that the database does not have yet."""

from typing import Any

from orchard.runtime import accounts, migrations
from orchard.runtime.database import Connection
from orchard.runtime.deployment import DeploymentStep


def migrate_database(connection: Connection) -> dict[str, Any]:
    with accounts.administrator(connection) as administrator:
        return {"applied": migrations.apply(administrator)}


step = DeploymentStep("migrate_database", migrate_database)
handler = step.handler
