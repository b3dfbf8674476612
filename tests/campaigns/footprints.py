"""Which states rows were in and how they moved, noted by triggers that only a campaign's database has.

A trigger's row commits and rolls back with the change itself, so what stands there did happen. It lies in a database
of its own: the shop's audit and its migrations never see it.
"""

import re

from orchard.runtime.database import Connection, Statement
from tests.campaigns.sometimes import Transitions, sometimes, transition_tables

_DATABASE = "campaign"
_TABLE = f"{_DATABASE}.footprint"
_COLUMNS = ("state", "kind")
_CHECK = re.compile(r"`(\w+)` in \(((?:'\w+',?)+)\)")


class Footprints:
    """The enumerated columns of one database and the steps that rows took between their values."""

    def __init__(self, db: Connection) -> None:
        self._db = db
        self.values = self._enumerated()
        self._histories = self._kept_histories()

    def install(self) -> None:
        """Begin to note."""
        self._run(f"CREATE DATABASE IF NOT EXISTS {_DATABASE}")
        self._run(
            f"CREATE TABLE IF NOT EXISTS {_TABLE} (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,"
            " place VARCHAR(80) NOT NULL, was VARCHAR(40) NULL, became VARCHAR(40) NOT NULL)"
        )
        for table, column in self.values:
            # A row whose history is kept may take two steps in one UPDATE; the history then has both.
            before = "NULL" if table in self._histories.values() else f"OLD.{column}"
            for event, was in (("INSERT", "NULL"), ("UPDATE", before)):
                self._trigger(table, event, f"{table}.{column}", was, f"NEW.{column}")
        for history, owner in self._histories.items():
            self._trigger(history, "INSERT", f"{owner}.state", "NEW.from_state", "NEW.to_state")

    def note(self) -> None:
        """Tell the sometimes-assertions what was seen. AssertionError for a step that no table of transitions has."""
        steps = self._db.run(lambda tx: tx.rows(f"SELECT DISTINCT place, was, became FROM {_TABLE}"))
        legal = {name: table for table in transition_tables() if (name := self._place(table))}
        for step in steps:
            place, was, became = step["place"], step["was"], step["became"]
            sometimes(f"{place}: {became}")
            if was is None or place not in legal:
                continue
            allowed = {str(target) for state, targets in legal[place].items() if state == was for target in targets}
            assert became in allowed, f"{place} went from {was} to {became}"
            sometimes(f"{place}: {was} -> {became}")

    def expected(self) -> set[str]:
        """Every value of every enumerated column, and every legal transition."""
        found = {f"{table}.{column}: {value}" for (table, column), values in self.values.items() for value in values}
        for table in transition_tables():
            place = self._place(table)
            assert place, f"no column of the schema holds exactly the states {sorted(table)}"
            found |= {f"{place}: {state} -> {target}" for state, targets in table.items() for target in targets}
        return found

    def _place(self, table: Transitions) -> str | None:
        """The column whose CHECK holds exactly the states of a table of transitions."""
        states = {str(state) for state in table}
        return next((f"{owner}.{column}" for (owner, column), held in self.values.items() if held == states), None)

    def _enumerated(self) -> dict[tuple[str, str], set[str]]:
        """By table and column, the values that CHECKs allow; partial CHECKs of a column name fewer."""
        checks = self._db.run(
            lambda tx: tx.rows(
                "SELECT table_name AS place, check_clause AS clause FROM information_schema.check_constraints"
                " WHERE constraint_schema = DATABASE() ORDER BY table_name"
            )
        )
        found: dict[tuple[str, str], set[str]] = {}
        for check in checks:
            for column, listed in _CHECK.findall(check["clause"]):
                values = set(re.findall(r"'(\w+)'", listed))
                if column in _COLUMNS and len(values) > len(found.get((check["place"], column), ())):
                    found[check["place"], column] = values
        return found

    def _kept_histories(self) -> dict[str, str]:
        """Tables of steps, with the table whose rows take them: order_event -> orders."""
        found = self._db.run(
            lambda tx: tx.rows(
                "SELECT table_name AS history FROM information_schema.columns"
                " WHERE table_schema = DATABASE() AND column_name IN ('from_state', 'to_state')"
                " GROUP BY table_name HAVING COUNT(*) = 2"
            )
        )
        owners = {f"{end}_event": table for table, _ in self.values for end in (table, table.removesuffix("s"))}
        return {row["history"]: owners[row["history"]] for row in found}

    def _trigger(self, table: str, event: str, place: str, was: str, became: str) -> None:
        self._run(
            f"CREATE TRIGGER footprint_{place.replace('.', '_')}_of_{table}_{event} AFTER {event} ON {table}"
            f" FOR EACH ROW INSERT INTO {_TABLE} (place, was, became) SELECT '{place}', {was}, {became}"
            f" FROM DUAL WHERE NOT ({was} <=> {became})"
        )

    def _run(self, sql: str) -> None:
        self._db.run(lambda tx: tx.execute(Statement(sql)))
