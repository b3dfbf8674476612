"""Load the demo shop: freight, stores, catalogue, stock, coupons, group-buy, by the verbs that merchants' tools use."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from infra.tools.import_catalogue import import_file
from orchard.core import clock
from orchard.coupons.schemas import TemplateDraft
from orchard.coupons.service import templates
from orchard.group_buy.schemas import ActivityDraft
from orchard.group_buy.service import activities
from orchard.pricing import service as pricing
from orchard.pricing.models import NATIONAL, ChargeBy, FreeRow, FreightRate
from orchard.runtime.database import Connection, Tx
from orchard.stores.schemas import StoreDraft
from orchard.stores.service import directory as stores

CATALOGUE = Path(__file__).with_name("catalogue.jsonl")
# Provinces by the first six digits of GB/T 2260: the shop's own region, and those that fruit reaches slowly.
_NEARBY = ("310000", "320000", "330000")
_FAR = ("150000", "460000", "620000", "630000", "640000")
_NOT_SERVED = ("540000", "650000")
_FREE_FROM_FEN = 9900
_STORES = (
    StoreDraft(
        code="SH-001", name="鲜果园 世纪大道店", region_code="310115", address="世纪大道 8 号 B1", phone="021-50000001",
        latitude=31.2304, longitude=121.5146, supports_local_delivery=True, local_delivery_fee_fen=500,
        local_delivery_minimum_fen=3000, local_delivery_radius_metres=5000,
    ),
    StoreDraft(
        code="SH-002", name="鲜果园 徐家汇店", region_code="310104", address="漕溪北路 41 号", phone="021-50000002",
        latitude=31.1946, longitude=121.4365, supports_local_delivery=True, local_delivery_fee_fen=500,
        local_delivery_minimum_fen=3000, local_delivery_radius_metres=5000,
    ),
    StoreDraft(
        code="HZ-001", name="鲜果园 湖滨店", region_code="330102", address="延安路 292 号", phone="0571-50000001",
        latitude=30.2592, longitude=120.1630,
    ),
)  # fmt: skip
_COUPONS: tuple[dict[str, Any], ...] = (
    {"name": "新人立减 5 元", "channel": "NEWCOMER", "audience": "NEWCOMERS", "kind": "AMOUNT", "amount_fen": 500,
     "valid_days": 30},
    {"name": "满 39 减 6", "channel": "CENTRE", "kind": "AMOUNT", "amount_fen": 600, "threshold_fen": 3900,
     "quota": 10_000, "per_member_limit": 2, "budget_fen": 5_000_000, "valid_days": 14},
    {"name": "鲜果九折，最高减 20 元", "channel": "CENTRE", "kind": "PERCENT", "percent_off": 10, "cap_fen": 2000,
     "threshold_fen": 9900, "quota": 5_000, "valid_days": 7, "returns_on_refund": False},
)  # fmt: skip
# Two members, a fifth off the selling price.
GROUP_BUY = "两人拼团"
_GROUPED = "hongfushi-5"


def load_demo_shop(db: Connection) -> None:
    """Fill an empty shop. Loading twice changes nothing that was sold meanwhile: stock is opened only once."""
    db.run(_stores_and_freight)
    import_file(db, CATALOGUE)
    db.run(_coupons)
    db.run(_group_buy)


def _stores_and_freight(tx: Tx) -> None:
    for draft in _STORES:
        stores.define_store(tx, draft)
    kilo = {"first_units": 1000, "step_units": 1000}
    template_id = pricing.define_freight_template(
        tx,
        name="鲜果快递",
        charge_by=ChargeBy.WEIGHT,
        rates={
            NATIONAL: FreightRate(first_fee_fen=1000, step_fee_fen=300, **kilo),
            **dict.fromkeys(_NEARBY, FreightRate(first_fee_fen=600, step_fee_fen=100, **kilo)),
            **dict.fromkeys(_FAR, FreightRate(first_fee_fen=1800, step_fee_fen=800, **kilo)),
        },
        free_rows={code: FreeRow(minimum_quantity=1, minimum_amount_fen=_FREE_FROM_FEN) for code in _NEARBY},
        excluded=_NOT_SERVED,
    )
    pricing.set_freight_policy(tx, default_template_id=template_id)


def _coupons(tx: Tx) -> None:
    """A pack for newcomers and two coupons in the centre, unless they are there already."""
    known = {template.name for template in templates.list_templates(tx)}
    now = clock.utc_now()
    window = {"claim_from": now, "claim_until": now + timedelta(days=90)}
    for terms in _COUPONS:
        if terms["name"] not in known:
            template = templates.define_template(tx, TemplateDraft(**window, **terms))
            templates.publish_template(tx, template.template_id)


def _group_buy(tx: Tx) -> None:
    """One activity on the apples, unless there is one already."""
    if GROUP_BUY in {activity.name for activity in activities.list_activities(tx)}:
        return
    goods = tx.rows(
        "SELECT s.id, s.price_fen FROM sku s JOIN product p ON p.id = s.product_id WHERE p.code = %s", (_GROUPED,)
    )
    now = clock.utc_now()
    skus = [{"sku_id": row["id"], "price_fen": row["price_fen"] * 8 // 10, "quota": 500} for row in goods]
    draft = ActivityDraft.model_validate(
        {"name": GROUP_BUY, "size": 2, "hours": 24, "per_order_limit": 2, "per_member_limit": 10, "starts_at": now,
         "ends_at": now + timedelta(days=90), "skus": skus}
    )  # fmt: skip
    activities.publish_activity(tx, activities.define_activity(tx, draft).activity_id)
