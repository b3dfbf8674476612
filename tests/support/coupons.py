"""Coupon templates in tests, and what members do with them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from orchard.core import clock
from orchard.coupons.schemas import TemplateDraft
from orchard.coupons.service import templates
from orchard.runtime.database import Connection, Row, Statement
from tests.support.calls import Answer, call


def draft(**fields: Any) -> TemplateDraft:
    """Five yuan off, for everyone, for everything, good for seven days; `fields` change it."""
    now = clock.utc_now()
    plain: dict[str, Any] = {
        "name": "满减券", "channel": "CENTRE", "kind": "AMOUNT", "amount_fen": 500, "valid_days": 7,
        "claim_from": now - timedelta(hours=1), "claim_until": now + timedelta(days=1),
    }  # fmt: skip
    if fields.get("kind") == "PERCENT":
        del plain["amount_fen"]
    return TemplateDraft(**{**plain, **fields})


@dataclass
class Coupons:
    """Coupons of a shop under test."""

    db: Connection

    def offer(self, **fields: Any) -> int:
        """Define and publish a template; its id."""
        template_id = self.db.run(lambda tx: templates.define_template(tx, draft(**fields))).template_id
        self.db.run(lambda tx: templates.publish_template(tx, template_id))
        return template_id

    def give(self, token: str, **fields: Any) -> str:
        """Offer a template and let the member claim it; the coupon's id."""
        return self.claimed(token, self.offer(**fields))

    def claimed(self, token: str, template_id: int) -> str:
        """Claim a coupon that can be claimed; its id."""
        answer = claim(token, template_id)
        assert answer.status == 201, answer.text
        return str(answer.json["coupon_id"])

    def row(self, coupon_id: str) -> Row:
        """A coupon's row."""
        row = self.db.run(lambda tx: tx.row("SELECT * FROM coupon WHERE id = %s", (coupon_id,)))
        assert row is not None
        return row

    def state(self, coupon_id: str) -> str:
        """A coupon's state as stored."""
        return str(self.row(coupon_id)["state"])

    def template(self, template_id: int) -> Row:
        """A template's row."""
        row = self.db.run(lambda tx: tx.row("SELECT * FROM coupon_template WHERE id = %s", (template_id,)))
        assert row is not None
        return row

    def change(self, sql: str, *params: Any) -> None:
        """Change rows by hand: time that passes."""
        self.db.run(lambda tx: tx.execute(Statement(sql, params)))

    def end(self, coupon_id: str) -> None:
        """Let a coupon's time be over by the database's clock."""
        self.change(
            "UPDATE coupon SET starts_at = UTC_TIMESTAMP(6) - INTERVAL 2 HOUR,"
            " ends_at = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND WHERE id = %s",
            coupon_id,
        )


def claim(token: str, template_id: int | str, *, key: str = "auto") -> Answer:
    """POST /coupons/claims."""
    body = {"template_id": str(template_id)}
    return call("coupons/claim_coupon", "POST", "/coupons/claims", token=token, body=body, key=key)


def redeem(token: str, code: str) -> Answer:
    """POST /coupons/redemptions."""
    body = {"code": code}
    return call("coupons/redeem_coupon_code", "POST", "/coupons/redemptions", token=token, body=body, key=None)


def centre(token: str) -> Answer:
    """GET /coupons/claimable."""
    return call("coupons/list_claimable_coupons", "GET", "/coupons/claimable", token=token)


def mine(token: str, **query: Any) -> Answer:
    """GET /coupons."""
    return call("coupons/list_coupons", "GET", "/coupons", token=token, query=query)
