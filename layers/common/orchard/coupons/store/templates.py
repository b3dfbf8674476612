"""Templates: what is on offer, what was issued, what was spent."""

import json
from collections.abc import Mapping
from typing import Any

from orchard.coupons.models import Channel, CouponBudgetSpent, CouponNotClaimable, CouponStateConflict, TemplateState
from orchard.coupons.models import TemplateNotFound as Missing
from orchard.coupons.models import TemplateStateConflict as Conflict
from orchard.runtime.database import Row, Statement, Tx, insert

_OFFER = (
    "t.id, t.version, t.state, t.channel, t.name, t.kind, t.amount_fen, t.percent_off, t.cap_fen, t.threshold_fen,"
    " t.scope_kind, t.scope, t.audience, t.quota, t.issued, t.per_member_limit, t.claim_from, t.claim_until,"
    " t.valid_from, t.valid_until, t.valid_days, t.claim_from <= UTC_TIMESTAMP(6) AS started,"
    " t.claim_until <= UTC_TIMESTAMP(6) AS ended,"
    " (SELECT COUNT(*) FROM coupon c WHERE c.template_id = t.id AND c.member_id = %s) AS owned"
)
MOST_OFFERS = 100


def scope_json(ids: list[int], excluded_category_ids: list[int], excluded_product_ids: list[int]) -> str:
    """The scope as stored."""
    scope = {
        "ids": sorted(ids),
        "excluded_category_ids": sorted(excluded_category_ids),
        "excluded_product_ids": sorted(excluded_product_ids),
    }
    return json.dumps(scope, separators=(",", ":"))


def offer(template_id: int, member_id: int) -> Statement:
    """One template as it is offered to a member, who owns `owned` of it."""
    return Statement(f"SELECT {_OFFER} FROM coupon_template t WHERE t.id = %s", (member_id, template_id))


def offers(member_id: int) -> Statement:
    """Templates of the coupon centre that can be claimed now or later, what ends first in front."""
    return Statement(
        f"SELECT {_OFFER} FROM coupon_template t WHERE t.state = %s AND t.channel = %s"
        " AND t.claim_until > UTC_TIMESTAMP(6) ORDER BY t.claim_until, t.id LIMIT %s",
        (member_id, TemplateState.PUBLISHED.value, Channel.CENTRE.value, MOST_OFFERS),
    )


def offer_of_code(code_hash: bytes, member_id: int) -> Statement:
    """The template behind a code, with who redeemed it."""
    return Statement(
        f"SELECT {_OFFER}, k.member_id AS redeemed_by, k.coupon_id FROM coupon_code k"
        " JOIN coupon_template t ON t.id = k.template_id WHERE k.code_hash = %s",
        (member_id, code_hash),
    )


def newcomer_template_ids(tx: Tx) -> list[int]:
    """What the newcomers' pack holds now, in lock order."""
    rows = tx.rows(
        "SELECT id FROM coupon_template WHERE state = %s AND channel = %s AND claim_from <= UTC_TIMESTAMP(6)"
        " AND claim_until > UTC_TIMESTAMP(6) ORDER BY id",
        (TemplateState.PUBLISHED.value, Channel.NEWCOMER.value),
    )
    return [row["id"] for row in rows]


def take_one(template_id: int) -> Statement:
    """Count one more coupon as issued, while the template is published, in time and within its quota."""
    return Statement(
        "UPDATE coupon_template SET issued = issued + 1 WHERE id = %s AND state = %s"
        " AND claim_from <= UTC_TIMESTAMP(6) AND claim_until > UTC_TIMESTAMP(6)"
        " AND (quota IS NULL OR issued < quota)",
        (template_id, TemplateState.PUBLISHED.value),
        expect=1,
        otherwise=CouponNotClaimable(reason="sold_out"),
    )


def untake_one(template_id: int) -> Statement:
    """Take back what `take_one` counted in this transaction."""
    return Statement("UPDATE coupon_template SET issued = issued - 1 WHERE id = %s", (template_id,), expect=1)


def spend(template_id: int, amount_fen: int) -> Statement:
    """Take a discount out of the budget, while it is there."""
    return Statement(
        "UPDATE coupon_template SET budget_spent_fen = budget_spent_fen + %s"
        " WHERE id = %s AND budget_fen >= budget_spent_fen + %s",
        (amount_fen, template_id, amount_fen),
        expect=1,
        otherwise=CouponBudgetSpent(),
    )


def unspend(template_id: int, amount_fen: int) -> Statement:
    """Put a discount back into the budget."""
    return Statement(
        "UPDATE coupon_template SET budget_spent_fen = budget_spent_fen - %s WHERE id = %s AND budget_spent_fen >= %s",
        (amount_fen, template_id, amount_fen),
        expect=1,
        otherwise=CouponStateConflict(),
    )


def insert_template(values: Mapping[str, Any]) -> Statement:
    """A new template."""
    return insert("coupon_template", [values])


def locked(tx: Tx, template_id: int) -> Row:
    """The template, locked until the transaction ends. Raises TemplateNotFound."""
    row = tx.row("SELECT * FROM coupon_template WHERE id = %s FOR UPDATE", (template_id,))
    if row is None:
        raise Missing
    return row


def newest(tx: Tx, limit: int) -> list[Row]:
    """The templates that were defined last."""
    return tx.rows("SELECT * FROM coupon_template ORDER BY id DESC LIMIT %s", (limit,))


def change(template_id: int, version: int, values: Mapping[str, Any]) -> Statement:
    """Set columns of the template that was read at `version`; never below what was issued and spent already."""
    columns = ", ".join(f"{column} = %s" for column in values)
    return Statement(
        f"UPDATE coupon_template SET {columns}, version = version + 1 WHERE id = %s AND version = %s",
        [*values.values(), template_id, version],
        expect=1,
        otherwise=Conflict(),
    )


def codes_of(tx: Tx, template_id: int) -> int:
    """How many codes the template has, redeemed or not."""
    row = tx.row("SELECT COUNT(*) AS n FROM coupon_code WHERE template_id = %s", (template_id,))
    return int(row["n"]) if row else 0
