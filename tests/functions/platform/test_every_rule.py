"""The books of stock, orders, money and messages can be broken, and each rule sees its own fault."""

import pymysql
import pytest

from orchard.audit import messages, money, orders, stock
from orchard.audit.invariants import RULES
from orchard.runtime.database import Statement, Tx
from tests.support.till import Till

_PAID, _LONG_AGO = "state = 'TO_SHIP'", "UTC_TIMESTAMP(6) - INTERVAL 2 DAY"
FAULTS = {
    "S2": "UPDATE stock SET on_hand = on_hand + 1",
    "S2-row": "DELETE FROM stock",
    "S3": "UPDATE stock SET reserved = reserved - 1 WHERE reserved > 0",
    "S3 nobody's": "UPDATE stock SET reserved = reserved + 1 WHERE reserved = 0",
    "S5-reserve": "UPDATE stock_ledger SET delta_reserved = delta_reserved + 1 WHERE kind = 'RESERVE'",
    "S5-settle": "DELETE FROM stock_ledger WHERE kind = 'DEDUCT'",
    "S5-return": "UPDATE stock_ledger SET delta_on_hand = 1 WHERE kind = 'DEDUCT'",
    "M3": f"UPDATE orders SET goods_fen = goods_fen + 1, payable_fen = payable_fen + 1 WHERE {_PAID}",
    "X3": "UPDATE orders SET line_count = line_count + 1",
    "T1": "UPDATE order_event SET to_state = 'FINISHED' WHERE version = 2",
    "T2": "UPDATE order_event SET from_state = 'SHIPPED' WHERE version = 2",
    "X10": "UPDATE orders SET version = version + 1",
    "T4": f"UPDATE orders SET expires_at = {_LONG_AGO} WHERE state = 'PENDING_PAY'",
    "M4": "UPDATE payment SET amount_fen = amount_fen + 1",
    "M4-paid": "UPDATE orders SET paid_at = NULL",
    "X1": "UPDATE payment_receipt SET amount_fen = amount_fen + 1",
    "X1-owner": "UPDATE payment_receipt SET payment_id = payment_id + 1",
    "M5": "UPDATE payment_receipt SET effective = NULL",
    "M6": "UPDATE refund SET amount_fen = amount_fen + 1000000",
    "M6-line": "UPDATE refund_line SET units = 99",
    "M6-sum": "UPDATE refund SET amount_fen = amount_fen + 1",
    "M6-order": f"UPDATE orders SET state = 'REFUNDED' WHERE {_PAID}",
    "M7": "UPDATE money_posting SET amount_fen = amount_fen + 1 WHERE account = 'revenue'",
    "M7-receipt": "DELETE FROM money_posting WHERE cause LIKE 'payment:%'",
    "X2": "DELETE FROM money_posting WHERE cause LIKE 'refund:%'",
    "M10": f"UPDATE payment_call SET state = 'OPEN', ended_at = NULL, next_try_at = {_LONG_AGO},"
    f" started_at = {_LONG_AGO}",
    "O1-placed": "DELETE FROM outbox WHERE topic = 'order.placed'",
    "O1-paid": "DELETE FROM outbox WHERE topic = 'order.paid'",
    "O1-closed": "DELETE FROM outbox WHERE topic = 'order.closed'",
    "O2": f"UPDATE outbox SET created_at = {_LONG_AGO}",
    "D1-answer": "UPDATE idempotency SET status = NULL",
    "D1-order": """UPDATE idempotency SET body = '{"order_number": "X"}' WHERE operation = 'place_order'""",
    "O2-inbox": f"UPDATE callback_inbox SET processed_at = NULL, received_at = {_LONG_AGO}",
}
# The schema itself refuses these faults.
REFUSED = {
    "S1": "UPDATE stock SET reserved = on_hand + 1",
    "M1": "UPDATE order_line SET gross_fen = gross_fen + 1",
    "M2": "UPDATE orders SET payable_fen = payable_fen + 1",
}


@pytest.fixture
def busy_till(till: Till) -> Till:
    """A shop with an order that is paid and refunded in part, one that is closed, and one that waits for its money."""
    _, number = till.paid_order(freight=True)
    till.refund(number, lines=till.units(number))
    till.send_refunds()
    till.sandbox.deliver_notifications()
    assert till.refunds(number)[0]["state"] == "SUCCESS"
    buyer = till.buyer()
    assert till.cancel(buyer, till.order(buyer)).status == 200
    till.order(buyer)
    return till


def _seen(tx: Tx) -> set[str]:
    return {rule.code for rule in RULES if tx.rows(rule.sql, rule.params or None)}


def test_each_planted_fault_is_seen_by_its_rule(busy_till: Till) -> None:
    assert busy_till.db.run(_seen) == set()
    unseen = []
    for name, fault in FAULTS.items():
        # Planted and looked at in one transaction that is undone, so that every fault finds sound books.
        tx = busy_till.db.transaction()
        assert tx.execute(Statement(fault)) > 0, name
        unseen += [] if name.split()[0] in _seen(tx) else [name]
        tx.rollback()
    assert unseen == []


@pytest.mark.parametrize("code", REFUSED)
def test_the_schema_refuses_what_a_check_can_say(busy_till: Till, code: str) -> None:
    with pytest.raises(pymysql.MySQLError):
        busy_till.change(REFUSED[code])


def test_no_rule_is_left_out() -> None:
    rules = {rule.code for rule in (*stock.RULES, *money.RULES, *orders.RULES, *messages.RULES)}
    assert rules == {name.split()[0] for name in (*FAULTS, *REFUSED)}
