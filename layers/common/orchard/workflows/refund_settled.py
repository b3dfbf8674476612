"""Refunds end to end: asked for, sent with a fixed number, settled by answer, notification or query."""

from collections.abc import Sequence

from orchard.core.errors import NotFound
from orchard.orders import service as orders
from orchard.orders.models import OrderRow
from orchard.payments import service as payments
from orchard.payments.models import PaymentRow, RefundRow, RefundState, RefundUnits
from orchard.payments.service import settling
from orchard.payments.service.refunds import is_fully_refunded
from orchard.payments.service.settling import SaidOfRefund
from orchard.payments.store import payment as store
from orchard.payments.store import refund as refunds
from orchard.runtime.database import Connection, Tx


def refund_order(
    transactions: Connection, order_number: str, *, reason: str, key: str, lines: Sequence[RefundUnits] | None = None
) -> RefundRow:
    """Give back units of lines, or all that is left; sent by the worker. See `payments.request_refund`.

    Raises NotFound and what `request_refund` raises.
    """

    def work(tx: Tx) -> RefundRow:
        order = orders.locked_order(tx, order_number)
        if order is None:
            raise NotFound
        refund = payments.request_refund(tx, order, reason=reason, key=key, lines=lines)
        if refund.state is RefundState.SUCCESS:
            _finish_order(tx, order, store.lock_payment(tx, refund.payment_id))
        return refund

    return transactions.run(work)


def apply_refund(tx: Tx, said: SaidOfRefund) -> str:
    """Book what WeChat Pay says of a refund of ours: its new state, `known`, `mismatch` or `unknown`.

    When everything that paid the order has gone back, the order becomes REFUNDED. Repeating changes nothing.
    """
    seen = refunds.refund_by_number(tx, said.out_refund_no)
    if seen is None:
        return "unknown"
    order, payment, refund = lock(tx, seen)
    return _book(tx, order, payment, refund, said)


def adopt_refund(tx: Tx, said: SaidOfRefund) -> str:
    """Book a refund that did not begin here, once its payment is in the books; `unknown` when it fits nothing."""
    order = orders.locked_order(tx, said.order_number)
    payment = store.payment_of(tx, order.id, lock=True) if order else None
    if order is None or payment is None:
        return "unknown"
    refund = settling.adopt(tx, payment, said)
    return "unknown" if refund is None else _book(tx, order, payment, refund, said)


def lock(tx: Tx, seen: RefundRow) -> tuple[OrderRow, PaymentRow, RefundRow]:
    """Order, payment and refund, locked in the order that everybody keeps."""
    order = orders.lock_order_by_id(tx, seen.order_id)
    payment = store.lock_payment(tx, seen.payment_id)
    refund = refunds.refund(tx, seen.id, lock=True)
    if refund is None:
        raise NotFound
    return order, payment, refund


def _book(tx: Tx, order: OrderRow, payment: PaymentRow, refund: RefundRow, said: SaidOfRefund) -> str:
    if not settling.fits(tx, refund, said):
        return "mismatch"
    if not settling.move(tx, refund, said.state, said.wechat_refund_id):
        return "known"
    if said.state is RefundState.SUCCESS and refund.effective:
        _finish_order(tx, order, payment)
    return said.state.value.lower()


def _finish_order(tx: Tx, order: OrderRow, payment: PaymentRow) -> None:
    if is_fully_refunded(tx, order, payment):
        orders.record_refunded(tx, order)
