"""The local cloud's ties to the shop itself: its demo data, its demo purchase, its invariants."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from infra.local.cloud import LocalCloud
from orchard.audit.invariants import RULES, check
from orchard.runtime.database import Connection
from orchard.runtime.settings import DatabaseSettings

Say = Callable[[str], None]


def load(cloud: LocalCloud) -> None:
    """Load the demo shop into the cloud's database."""
    from infra.demo.load import load_demo_shop

    load_demo_shop(_connection(cloud.database_environment()))


def purchase(cloud: LocalCloud, say: Say) -> None:
    """Play one purchase over HTTP, saying each step and the receipt."""
    from infra.demo.purchase import play

    play(cloud.api_url, cloud.sandbox_url, say=say)


def group_buys(cloud: LocalCloud, say: Say) -> None:
    """Play two group-buys over HTTP: one is completed, one fails and is refunded."""
    from infra.demo.drills import let_group_time_pass
    from infra.demo.group_buy import play

    db = _connection(cloud.database_environment())
    play(cloud.api_url, cloud.sandbox_url, lambda group_id: let_group_time_pass(db, group_id, 25), cloud.fire, say=say)


def violations(environment: Mapping[str, str], say: Say) -> int:
    """Check the invariants and say each one that is broken; their number."""
    broken = check(_connection(environment))
    for violation in broken:
        say(f"  BROKEN {violation}")
    say(f"Invariants: {len(RULES) - len(broken)} of {len(RULES)} hold.")
    return len(broken)


def _connection(environment: Mapping[str, str]) -> Connection:
    """The shop's own database connection, with these settings instead of the process's."""
    prefix = "ORCHARD_DATABASE_"
    values = {name.removeprefix(prefix).lower(): value for name, value in environment.items()}
    return Connection(lambda: DatabaseSettings.model_validate(values))
