"""The books of group-buy can be broken, and each rule sees its own fault."""

import pytest

from infra.local.wechat_sandbox.client import SandboxClient
from orchard.audit import invariants
from orchard.orders.service import transitions
from orchard.runtime.database import Connection, Tx
from tests.support.group_buys import GroupBuys
from tests.support.shop import Shop, Shoppers
from tests.support.till import Buyer, Till

_PENDING_SEAT = "(SELECT * FROM (SELECT id FROM group_buy_group WHERE state = 'OPEN') AS g)"
FAULTS = {
    "G1": f"UPDATE group_buy_member SET group_id = {_PENDING_SEAT} WHERE state = 'RESERVED'",
    "G1-count": "UPDATE group_buy_group SET paid = 0 WHERE state = 'OPEN'",
    "G1-member": "UPDATE group_buy_member SET member_id = 7 WHERE state = 'SUCCESS'",
    "G1-time": "UPDATE group_buy_group SET expires_at = created_at - INTERVAL 1 HOUR WHERE state = 'OPEN'",
    "G2": "UPDATE group_buy_group SET expires_at = ended_at - INTERVAL 1 SECOND WHERE state = 'SUCCESS'",
    "G2-seat": "UPDATE group_buy_member SET state = 'SUCCESS', live = NULL WHERE state = 'PAID'",
    "G2-step": "UPDATE group_buy_group SET version = 9",
    "G2-step table": "UPDATE group_buy_group_event SET from_state = 'FAILED' WHERE version = 2",
    "G3": "UPDATE group_buy_member SET state = 'REFUNDING', live = NULL WHERE state = 'PAID'",
    "G4": "UPDATE orders SET state = 'TO_SHIP' WHERE state = 'GROUPING'",
    "G4 owner": "UPDATE group_buy_member SET member_id = 7 WHERE state = 'PAID'",
    "G4-seat": "UPDATE group_buy_member SET order_id = 5 WHERE state = 'PAID'",
    "G5": "UPDATE orders SET state = 'REFUNDING' WHERE state = 'GROUPING'",
    "G5-moved": "UPDATE group_buy_member SET state = 'MOVED', live = NULL, order_id = NULL, moved_to = 1"
    " WHERE state = 'RESERVED'",
    "G-quota": "UPDATE group_buy_sku SET taken = taken + 1",
    "G-sweep": "UPDATE group_buy_group SET created_at = created_at - INTERVAL 2 DAY,"
    " expires_at = expires_at - INTERVAL 2 DAY WHERE state = 'OPEN'",
}


@pytest.fixture
def unpaid_group_buys(db: Connection, shop: Shop) -> GroupBuys:
    """Group-buy without money: orders are paid by their own step alone, so that the books may stay broken."""
    return GroupBuys(Till(db, shop, SandboxClient("http://127.0.0.1:9")))


def _broken(db: Connection) -> set[str]:
    # No money moves here, so the rules about money see that it is missing.
    return {one.code for one in invariants.check(db) if not one.code.startswith(("M", "X"))}


def _pay(tx: Tx, number: str) -> None:
    order = transitions.locked_order(tx, number)
    assert order is not None
    transitions.record_payment(tx, order)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_seen(fault: str, unpaid_group_buys: GroupBuys, shopper: Shoppers, db: Connection) -> None:
    group_buys, activity_id = unpaid_group_buys, unpaid_group_buys.offer()

    def order(group_id: int | None = None, *, paid: bool = True) -> str:
        one = shopper()
        number = group_buys.order(Buyer(one.member_id, one.token, ""), activity_id, group_id)
        if paid:
            db.run(lambda tx: _pay(tx, number))
        return number

    order(group_buys.group_of(order()))
    open_group = group_buys.group_of(order())
    order(open_group, paid=False)
    order(paid=False)
    assert _broken(db) == set()
    group_buys.till.change(FAULTS[fault])
    assert fault.split(maxsplit=1)[0] in _broken(db)
