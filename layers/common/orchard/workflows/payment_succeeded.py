"""Money arrived: one transition of payment and order, however often and by whomever it is told."""

from enum import StrEnum
from typing import TYPE_CHECKING

from orchard.orders import service as orders
from orchard.orders.models import OrderRow, OrderState
from orchard.payments import wechat
from orchard.payments.models import ExceptionKind, PaymentRow, PaymentState
from orchard.payments.service import receipts
from orchard.payments.service.exceptions import raise_exception
from orchard.payments.service.receipts import Source
from orchard.payments.store import payment as store
from orchard.runtime import crash_points
from orchard.runtime.database import Tx
from orchard.workflows import group_refunds

if TYPE_CHECKING:
    from orchard.gateways.wechat_pay import Transaction


class Outcome(StrEnum):
    """What became of a paid transaction. The last two moved nothing but an operator."""

    PAID = "paid"
    KNOWN = "known"
    SURPLUS = "surplus"
    MISMATCH = "mismatch"
    UNKNOWN_ORDER = "unknown_order"


def settle(tx: Tx, said: "Transaction", source: Source) -> Outcome:
    """Book a paid transaction (SUCCESS or REFUND: it was paid). Repeating it, at once or later, changes nothing.

    The first money for an order that awaits it pays the order. Any other is surplus and is refunded by itself: a
    closed order stays closed.
    """
    order = orders.locked_order(tx, said.out_trade_no)
    payment = store.payment_of(tx, order.id, lock=True) if order else None
    if order is None or payment is None:
        raise_exception(tx, ExceptionKind.UNKNOWN_ORDER, said.out_trade_no,
                        transaction_id=said.transaction_id or "", amount_fen=said.amount.total or 0)  # fmt: skip
        return Outcome.UNKNOWN_ORDER
    return _book(tx, order, payment, said, source)


def _book(tx: Tx, order: OrderRow, payment: PaymentRow, said: "Transaction", source: Source) -> Outcome:
    facts = receipts.facts_of(said)
    if not receipts.fits(tx, payment, wechat.merchant(), facts):
        return Outcome.MISMATCH
    if receipts.already_received(tx, payment, facts.transaction_id):
        return Outcome.KNOWN
    awaited = order.state is OrderState.PENDING_PAY and payment.state is not PaymentState.SUCCESS
    if not awaited or payment.state is PaymentState.CLOSED:
        receipts.record_surplus(tx, order, payment, facts, said.success_time, source)
        return Outcome.SURPLUS
    receipts.record_effective(tx, order, payment, facts, said.success_time, source)
    crash_points.reached("payment_succeeded.receipt_written")
    # Nearly last, because it holds the stock rows: COMMIT follows at once, or behind the refund's few rows.
    if orders.record_payment(tx, order) is OrderState.REFUNDING:
        group_refunds.ask(tx, order)
    return Outcome.PAID
