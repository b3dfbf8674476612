"""The books of coupons can be broken, and each rule sees its own fault."""

import pytest

from orchard.audit import invariants
from orchard.coupons.service import codes
from orchard.runtime.database import Connection
from tests.support.coupons import Coupons, redeem
from tests.support.shop import Shop, Shoppers, place, wish

FAULTS = {
    "C1": ["UPDATE coupon_template SET issued = issued + 1"],
    "C1-member": ["UPDATE coupon SET slot = 3 WHERE state = 'LOCKED'"],
    "C2": ["UPDATE coupon_event SET to_state = 'USED' WHERE version = 2"],
    "C2-chain": ["UPDATE coupon_event SET from_state = 'USED' WHERE version = 2"],
    "C2-end": ["UPDATE coupon SET version = 9 WHERE state = 'LOCKED'"],
    "C2-return": [
        "INSERT INTO coupon_event (coupon_id, version, from_state, to_state, reason, order_id)"
        " SELECT coupon_id, 3, 'USED', 'AVAILABLE', 'refunded', order_id FROM coupon_event WHERE version = 2"
    ],
    "C3": ["UPDATE coupon SET state = 'USED' WHERE state = 'LOCKED'"],
    "C3 owner": ["UPDATE coupon SET member_id = 7 WHERE state = 'LOCKED'"],
    "X7": [
        "UPDATE coupon SET state = 'AVAILABLE', order_id = NULL, discount_fen = NULL, eligible_fen = NULL,"
        " locked_at = NULL WHERE state = 'LOCKED'"
    ],
    "X7 trace": ["UPDATE orders SET trace = '[]'"],
    "C4": ["UPDATE coupon SET amount_fen = 1 WHERE state = 'LOCKED'"],
    "C4 time": ["UPDATE coupon SET locked_at = ends_at WHERE state = 'LOCKED'"],
    "C4-order": ["UPDATE coupon SET discount_fen = discount_fen + 1 WHERE state = 'LOCKED'"],
    "C5": ["UPDATE coupon_template SET budget_spent_fen = budget_spent_fen + 1 WHERE budget_fen IS NOT NULL"],
    "C-code": ["UPDATE coupon_code SET member_id = 7 WHERE coupon_id IS NOT NULL"],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_seen(fault: str, coupons: Coupons, shop: Shop, shopper: Shoppers, db: Connection) -> None:
    me, goods = shopper(), shop.sell(price_fen=2000)
    coupon_id = coupons.give(me.token, budget_fen=10_000)
    body = wish(goods, 1, method="pickup", store_id=str(shop.open_store()))
    assert place(me.token, {**body, "coupon_id": coupon_id}).status == 201
    by_code = coupons.offer(channel="CODE")
    # The second code is never redeemed, which is no fault.
    code, _ = db.run(lambda tx: codes.generate_codes(tx, by_code, 2)).codes
    assert redeem(me.token, code).status == 201
    assert invariants.check(db) == []
    for statement in FAULTS[fault]:
        coupons.change(statement)
    assert fault.split(maxsplit=1)[0] in {violation.code for violation in invariants.check(db)}


def test_a_coupon_left_behind_by_the_sweep_is_seen(coupons: Coupons, shopper: Shoppers, db: Connection) -> None:
    coupon_id = coupons.give(shopper().token)
    coupons.change(
        "UPDATE coupon SET starts_at = UTC_TIMESTAMP(6) - INTERVAL 9 DAY, ends_at = UTC_TIMESTAMP(6) - INTERVAL 4 HOUR"
        " WHERE id = %s",
        coupon_id,
    )
    assert [violation.code for violation in invariants.check(db)] == ["C-sweep"]
