"""All SQL on freight. Whoever changes anything moves the policy's version first, which also makes writers queue."""

from collections.abc import Mapping

from orchard.core.ids import new_id
from orchard.pricing.models import ChargeBy, Combination, FreeRow, FreightBook, FreightRate, FreightTemplate
from orchard.runtime.database import Row, Statement, Tx, insert

_POLICY = "SELECT version, combination, free_threshold_fen, default_template_id FROM freight_policy WHERE id = 1"
_UNSERVED = FreightRate(0, 0, 1, 0)


def select_version() -> Statement:
    """One row with the current version of all freight rules."""
    return Statement("SELECT version FROM freight_policy WHERE id = 1", expect=1)


def load_book(tx: Tx) -> FreightBook | None:
    """The book as it stands, in one round trip; None when it changed while it was read."""
    policy, templates, rates, free_rows, again = (
        result.rows
        for result in tx.packet(
            [
                Statement(_POLICY, expect=1),
                Statement("SELECT id, name, charge_by FROM freight_template"),
                Statement(
                    "SELECT template_id, region_code, served, first_units, first_fee_fen, step_units, step_fee_fen"
                    " FROM freight_rate"
                ),
                Statement(
                    "SELECT template_id, region_code, minimum_quantity, minimum_amount_fen FROM freight_free_row"
                ),
                select_version(),
            ]
        )
    )
    # Each statement reads its own snapshot; equal versions around them mean that nothing was committed between.
    if policy[0]["version"] != again[0]["version"]:
        return None
    return FreightBook(
        version=policy[0]["version"],
        combination=Combination(policy[0]["combination"]),
        free_threshold_fen=policy[0]["free_threshold_fen"],
        default_template_id=policy[0]["default_template_id"],
        templates={row["id"]: _template(row, rates, free_rows) for row in templates},
    )


def _template(template: Row, rates: list[Row], free_rows: list[Row]) -> FreightTemplate:
    own_rates = [row for row in rates if row["template_id"] == template["id"]]
    own_free_rows = [row for row in free_rows if row["template_id"] == template["id"]]
    return FreightTemplate(
        template_id=template["id"],
        name=template["name"],
        charge_by=ChargeBy(template["charge_by"]),
        rates={row["region_code"]: _rate(row) for row in own_rates},
        free_rows={
            row["region_code"]: FreeRow(row["minimum_quantity"], row["minimum_amount_fen"]) for row in own_free_rows
        },
    )


def _rate(row: Row) -> FreightRate | None:
    if not row["served"]:
        return None
    return FreightRate(row["first_units"], row["first_fee_fen"], row["step_units"], row["step_fee_fen"])


def new_version() -> Statement:
    """Move the version. Ids never repeat, so an old version cannot come back with other content."""
    return Statement("UPDATE freight_policy SET version = %s WHERE id = 1", (new_id(),), expect=1)


def template_exists(tx: Tx, template_id: int) -> bool:
    """Whether there is such a template."""
    return tx.row("SELECT id FROM freight_template WHERE id = %s", (template_id,)) is not None


def put_policy(combination: Combination, free_threshold_fen: int | None, default_template_id: int | None) -> Statement:
    """Overwrite the policy."""
    return Statement(
        "UPDATE freight_policy SET combination = %s, free_threshold_fen = %s, default_template_id = %s WHERE id = 1",
        (combination.value, free_threshold_fen, default_template_id),
        expect=1,
    )


def put_template(template: FreightTemplate) -> list[Statement]:
    """Write the template with all its rows, in place of what it had."""
    statements = [
        Statement(
            "INSERT INTO freight_template (id, name, charge_by) VALUES (%s, %s, %s)"
            " ON DUPLICATE KEY UPDATE name = VALUES(name), charge_by = VALUES(charge_by)",
            (template.template_id, template.name, template.charge_by.value),
        ),
        Statement("DELETE FROM freight_rate WHERE template_id = %s", (template.template_id,)),
        Statement("DELETE FROM freight_free_row WHERE template_id = %s", (template.template_id,)),
        insert("freight_rate", _rate_rows(template.template_id, template.rates)),
    ]
    if template.free_rows:
        statements.append(insert("freight_free_row", _free_rows(template.template_id, template.free_rows)))
    return statements


def _rate_rows(template_id: int, rates: Mapping[str, FreightRate | None]) -> list[Row]:
    return [
        {
            "template_id": template_id,
            "region_code": region_code,
            "served": int(rate is not None),
            "first_units": (rate or _UNSERVED).first_units,
            "first_fee_fen": (rate or _UNSERVED).first_fee_fen,
            "step_units": (rate or _UNSERVED).step_units,
            "step_fee_fen": (rate or _UNSERVED).step_fee_fen,
        }
        for region_code, rate in sorted(rates.items())
    ]


def _free_rows(template_id: int, free_rows: Mapping[str, FreeRow]) -> list[Row]:
    return [
        {
            "template_id": template_id,
            "region_code": region_code,
            "minimum_quantity": row.minimum_quantity,
            "minimum_amount_fen": row.minimum_amount_fen,
        }
        for region_code, row in sorted(free_rows.items())
    ]
