"""Load the demo shop: freight rules, stores, catalogue and stock, by the same verbs that a merchant's tools use."""

from pathlib import Path

from infra.tools.import_catalogue import import_file
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


def load_demo_shop(db: Connection) -> None:
    """Fill an empty shop. Loading twice changes nothing that was sold meanwhile: stock is opened only once."""
    db.run(_stores_and_freight)
    import_file(db, CATALOGUE)


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
