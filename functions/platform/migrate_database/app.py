"""Deployment step: apply the migrations that the database does not have yet."""

from typing import Any

from orchard.runtime import migrations
from orchard.runtime.database import Connection
from orchard.runtime.deployment import DeploymentStep


def migrate_database(connection: Connection) -> dict[str, Any]:
    return {"applied": migrations.apply(connection)}


step = DeploymentStep("migrate_database", migrate_database)
handler = step.handler
