"""Migrations killed between statements and between files: the next run goes on, and the schema ends as it should."""

import os
import signal
import subprocess
import sys
from typing import Any

from infra.local.shop import DATABASE
from tests.campaigns.plan import Plan
from tests.campaigns.sometimes import sometimes
from tests.support.faulty import FaultyCloud
from tests.support.scenario import RunningShop

_NAME = "killed_migrations"
# A run that gets this far has whole files behind it: a file is begun anew where it was not recorded.
_MOST_STEPS = 80
_RUN = (
    "import sys; from tests.support.crashing import die_after; die_after(int(sys.argv[1]));"
    " from orchard.runtime import database, migrations; migrations.apply(database.connection)"
)


def _migrate(faulty: FaultyCloud, steps: int) -> int:
    """Migrate in a process that dies after so many steps; its exit status."""
    variables = {**os.environ, **faulty.cloud.database_environment(), "ORCHARD_DATABASE_NAME": _NAME}
    variables["PYTHONPATH"] = os.pathsep.join(sys.path)
    return subprocess.run([sys.executable, "-c", _RUN, str(steps)], env=variables, check=False, timeout=300).returncode


def _schema(faulty: FaultyCloud, database: str) -> dict[str, Any]:
    """Every table as the server would make it anew, and how many rows it was given."""
    connection = faulty.cloud.mariadb.connect(database)
    with connection, connection.cursor() as cursor:
        cursor.execute("SHOW TABLES")
        return {table: _made(cursor, table) for (table,) in cursor.fetchall()}


def _made(cursor: Any, table: str) -> str:
    cursor.execute(f"SHOW CREATE TABLE `{table}`")
    return str(cursor.fetchone()[1])


def test_migrations_that_are_killed_again_and_again_arrive(
    faulty: FaultyCloud, shop: RunningShop, campaign: Plan
) -> None:
    dice, kills = campaign.dice("migrations"), 0
    for _ in range(5 if campaign.full else 1):
        faulty.cloud.mariadb.create_database(_NAME, fresh=True)
        while (status := _migrate(faulty, dice.randint(1, _MOST_STEPS))) != 0:
            assert status == -signal.SIGKILL
            kills += 1
            assert kills < 500, "it does not get on"
    assert kills
    assert _schema(faulty, _NAME) == _schema(faulty, DATABASE)
    sometimes("migrations killed")
