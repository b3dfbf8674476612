"""Two database accounts: the administrator's, which changes the schema, and the functions', which cannot.

Where a deployment names an administrator's secret, it makes the functions' account and gives it rows to work on and
nothing else. Where it names none, the functions' account has to be able to change the schema itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from orchard.runtime import migrations, settings
from orchard.runtime.database import Connection, Statement

# What the functions do with tables. No DDL, no files, no other users, nothing outside their own database.
RIGHTS = "SELECT, INSERT, UPDATE, DELETE"


@contextmanager
def administrator(connection: Connection) -> Iterator[Connection]:
    """Who may change the schema, once the functions' account exists; `connection` itself without an administrator.

    Raises ConfigurationError when the secret cannot be read or names the functions' own account.
    """
    account = settings.database_administrator()
    if account is None:
        yield connection
        return
    own = settings.database()
    if account.user == own.user:
        raise settings.ConfigurationError("the functions' database account is the administrator's")
    administering = Connection(lambda: account)
    try:
        provide(administering, own)
        yield administering
    finally:
        administering.discard()


def prove(functions: Connection) -> None:
    """That the functions' own way to the database keeps what their statements rely on, a proxy in between or not.

    Those are several statements in one packet, and counts of matched rather than of changed rows. Raises RuntimeError.
    """
    (name,) = [migration.name for migration in migrations.available()[:1]]
    same = "UPDATE schema_migration SET checksum = checksum WHERE name = %s"
    functions.run(
        lambda tx: tx.packet(
            [Statement("SELECT 1"), Statement(same, (name,), expect=1), Statement(same, ("",), expect=0)]
        )
    )


def provide(administering: Connection, account: settings.DatabaseSettings) -> None:
    """Make the account if it is missing, set its password, grant RIGHTS on its database. Harmless to repeat."""
    identity = (account.user, account.password.get_secret_value())
    # DatabaseName's pattern leaves nothing to quote.
    grant = f"GRANT {RIGHTS} ON `{account.name}`.* TO %s@'%%'"
    for statement in (
        Statement("CREATE USER IF NOT EXISTS %s@'%%' IDENTIFIED BY %s", identity),
        Statement("ALTER USER %s@'%%' IDENTIFIED BY %s", identity),
        Statement(grant, (account.user,)),
    ):
        # mypy cannot infer a lambda with a default.
        administering.run(lambda tx, statement=statement: tx.execute(statement))  # type: ignore[misc]
