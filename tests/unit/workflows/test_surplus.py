"""Money that pays nothing goes back by itself, once, and no closed order is opened again (case 67)."""

from typing import Any

from orchard.orders import service as orders
from orchard.runtime.database import Connection
from orchard.workflows import notifications
from tests.support import races
from tests.support.notices import Platform
from tests.support.till import PRICE_FEN, Till


def test_case_67_success_after_closed_is_refunded_and_the_order_stays_closed(till: Till) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.take_money(buyer, number)
    _close_without_asking(till, number)
    assert [d["status"] for d in till.sandbox.deliver_notifications()] == [200]
    assert till.state(number) == "CLOSED"
    assert till.alarms(only_open=True) == {"SURPLUS": 1}
    refund = till.refunds(number)[0]
    receipt = till.rows("SELECT id, effective FROM payment_receipt")[0]
    assert receipt["effective"] is None
    assert (refund["kind"], refund["out_refund_no"], refund["state"]) == ("SURPLUS", f"RS{receipt['id']}", "CREATED")
    assert till.send_refunds() == {"batchItemFailures": []}
    till.sandbox.deliver_notifications()
    assert till.refunds(number)[0]["state"] == "SUCCESS"
    assert till.state(number) == "CLOSED"
    assert till.alarms(only_open=True) == {}
    balance = till.rows("SELECT account, SUM(amount_fen) AS fen FROM money_posting GROUP BY account")
    assert {row["account"]: int(row["fen"]) for row in balance} == {"gateway_clearing": 0, "refund_payable": 0}


def _close_without_asking(till: Till, number: str) -> None:
    def close(tx: Any) -> None:
        order = orders.locked_order(tx, number)
        assert order is not None
        orders.close(tx, [order], "timeout")

    till.db.run(close)


def test_case_67_duplicates_of_surplus_are_one_refund(till: Till, platform: Platform) -> None:
    buyer = till.buyer()
    number = till.order(buyer)
    till.take_money(buyer, number)
    _close_without_asking(till, number)
    notice = platform.told(till.sandbox.ledger(), number)

    def deliver(connection: Connection, _: int) -> None:
        notifications.accept_payment(connection, notice.call)

    assert races.errors(races.race(range(8), deliver, connections=8)) == []
    assert len(till.refunds(number)) == 1
    till.send_refunds()
    till.send_refunds()
    till.sandbox.deliver_notifications()
    assert [refund["state"] for refund in till.refunds(number)] == ["SUCCESS"]


def test_a_second_payment_of_one_order_is_surplus_and_named_by_its_own_transaction(
    till: Till, platform: Platform
) -> None:
    buyer, number = till.paid_order()
    second = platform.payment(number, buyer.openid, 2 * PRICE_FEN)
    assert platform.notice("transaction", second).post().status == 200
    assert till.state(number) == "TO_SHIP"
    refund = till.refunds(number)[0]
    assert (refund["kind"], refund["amount_fen"]) == ("SURPLUS", 2 * PRICE_FEN)
    # The sandbox never took this money, so it refuses to give it back: nobody else's money goes instead.
    till.send_refunds()
    assert till.refunds(number)[0]["state"] == "CLOSED"
    assert till.alarms(only_open=True) == {"SURPLUS": 1, "REFUND_REFUSED": 1}
    assert till.sandbox.ledger()["refunds"] == []
    _forget_money_that_never_was(till)


def test_two_surpluses_of_one_order_are_two_matters_each_settled_by_its_own_refund(
    till: Till, platform: Platform
) -> None:
    buyer, number = till.paid_order()
    for _ in range(2):
        assert (
            platform.notice("transaction", platform.payment(number, buyer.openid, 2 * PRICE_FEN)).post().status == 200
        )
    first, second = till.refunds(number)
    assert till.alarms(only_open=True) == {"SURPLUS": 2}
    receipt = till.rows("SELECT transaction_id FROM payment_receipt WHERE id = %s", first["receipt_id"])[0]
    said = platform.refund(first, receipt["transaction_id"], 2 * PRICE_FEN, "SUCCESS")
    assert platform.notice("refund", said).post().status == 200
    still_open = till.rows("SELECT subject FROM payment_exception WHERE resolved_at IS NULL")
    assert still_open == [{"subject": second["out_refund_no"]}]
    _forget_money_that_never_was(till)


def test_surplus_that_went_back_is_no_part_of_the_orders_own_refund(till: Till, platform: Platform) -> None:
    buyer, number = till.paid_order()
    second = platform.payment(number, buyer.openid, 2 * PRICE_FEN)
    assert platform.notice("transaction", second).post().status == 200
    gone = platform.refund(till.refunds(number)[0], second["transaction_id"], 2 * PRICE_FEN, "SUCCESS")
    assert platform.notice("refund", gone).post().status == 200
    assert till.state(number) == "TO_SHIP"
    till.refund(number, "all of it")
    till.send_refunds()
    till.sandbox.deliver_notifications()
    assert till.state(number) == "REFUNDED"
    _forget_money_that_never_was(till)


def _forget_money_that_never_was(till: Till) -> None:
    for table, where in (("refund", "kind = 'SURPLUS'"), ("payment_receipt", "effective IS NULL"),
                         ("money_posting", "cause LIKE 'surplus:%%' OR cause LIKE 'refund:RS%%'")):  # fmt: skip
        till.change(f"DELETE FROM {table} WHERE {where}")
