"""Asking for refunds: the row and its amounts first, under the payment's lock; WeChat Pay is called afterwards."""

from collections.abc import Sequence

from orchard.core.ids import new_id
from orchard.orders.models import OrderRow, OrderState
from orchard.orders.service import line_amounts
from orchard.payments import rules
from orchard.payments.models import (
    HOLDING,
    NotRefundable,
    PaymentRow,
    PaymentState,
    ReceiptRow,
    RefundExceedsPaid,
    RefundKeyReused,
    RefundKind,
    RefundRow,
    RefundState,
    RefundTooOld,
    RefundUnits,
    TooManyRefunds,
)
from orchard.payments.service.prepay import record_free
from orchard.payments.store import books
from orchard.payments.store import payment as store
from orchard.payments.store import refund as refunds
from orchard.runtime import outbox
from orchard.runtime.database import Statement, Tx

_LONGEST_REASON = 80
_NEVER_PAID = frozenset({OrderState.PENDING_PAY, OrderState.CLOSED})


def request_refund(
    tx: Tx, order: OrderRow, *, reason: str, key: str, lines: Sequence[RefundUnits] | None = None
) -> RefundRow:
    """Give back units of lines, or with `lines=None` everything that is left. The caller holds the order's lock.

    `key` (at most 80 characters) names the request within the order: the same key is the same refund. Amounts follow
    the cumulative formula on what each line was sold for, freight included, so all units in any split are all the
    money. A refund of 0 fen is done at once and is not sent. `reason` is shown to the buyer.

    Raises NotRefundable, RefundExceedsPaid, TooManyRefunds, RefundTooOld, RefundKeyReused.
    """
    payment = _paid(tx, order)
    known = refunds.refund_by_key(tx, payment.id, key)
    if known is not None:
        return _same(tx, known, lines)
    due = _due(tx, order, payment, lines)
    receipt = _receipt_for(tx, order, payment, sum(line.goods_fen + line.freight_fen for line in due))
    return _insert(tx, payment, receipt, due, reason[:_LONGEST_REASON], key)


def _paid(tx: Tx, order: OrderRow) -> PaymentRow:
    payment = store.payment_of(tx, order.id, lock=True)
    if payment is None and order.payable_fen == 0 and order.state not in _NEVER_PAID:
        # Such an order was paid with nothing when it was placed, before any payment row.
        record_free(tx, order)
        payment = store.payment_of(tx, order.id, lock=True)
    if payment is None or payment.state is not PaymentState.SUCCESS:
        raise NotRefundable
    return payment


def _same(tx: Tx, known: RefundRow, lines: Sequence[RefundUnits] | None) -> RefundRow:
    stored = {row["order_line_id"]: row["units"] for row in refunds.refund_lines(tx, known.id)}
    if lines is not None and {line.order_line_id: line.units for line in lines} != stored:
        raise RefundKeyReused
    return known


def _due(tx: Tx, order: OrderRow, payment: PaymentRow, wanted: Sequence[RefundUnits] | None) -> list[rules.DueLine]:
    paid = [
        rules.PaidLine(line.line_id, line.quantity, line.goods_fen, line.freight_fen)
        for line in line_amounts(tx, order.id)
    ]
    returned = refunds.returned(tx, payment.id)
    return rules.due_lines(paid, returned, rules.whole_rest(paid, returned) if wanted is None else wanted)


def _receipt_for(tx: Tx, order: OrderRow, payment: PaymentRow, amount_fen: int) -> ReceiptRow | None:
    """The money that the refund comes from, once it is certain that it may; None for an order that cost nothing."""
    if payment.amount_fen == 0:
        return None
    receipt = next(receipt for receipt in books.receipts(tx, payment.id) if receipt.effective)
    if not receipt.refundable:
        raise RefundTooOld
    earlier = [refund for refund in refunds.refunds_of(tx, order.id) if refund.receipt_id == receipt.id]
    if len(earlier) >= rules.MOST_REFUNDS:
        raise TooManyRefunds(refunds=len(earlier))
    held = sum(refund.amount_fen for refund in earlier if refund.state in HOLDING)
    if held + amount_fen > receipt.amount_fen:
        raise RefundExceedsPaid(refundable_fen=receipt.amount_fen - held)
    return receipt


def _insert(
    tx: Tx, payment: PaymentRow, receipt: ReceiptRow | None, due: list[rules.DueLine], reason: str, key: str
) -> RefundRow:
    refund_id, amount_fen = new_id(), sum(line.goods_fen + line.freight_fen for line in due)
    number, is_sent = f"R{refund_id}", amount_fen > 0
    row = {
        "id": refund_id, "payment_id": payment.id, "receipt_id": receipt.id if receipt else None,
        "order_id": payment.order_id, "order_number": payment.order_number, "out_refund_no": number,
        "kind": RefundKind.ORDER.value, "request_key": key, "amount_fen": amount_fen, "reason": reason,
        "state": (RefundState.CREATED if is_sent else RefundState.SUCCESS).value,
    }  # fmt: skip
    lines = [
        {"refund_id": refund_id, "order_line_id": line.order_line_id, "units": line.units,
         "goods_fen": line.goods_fen, "freight_fen": line.freight_fen}
        for line in due
    ]  # fmt: skip
    tx.packet([refunds.insert_refund(row, ended=not is_sent), refunds.insert_refund_lines(lines),
               *_told(payment.order_number, refund_id, number, is_sent)])  # fmt: skip
    made = refunds.refund(tx, refund_id)
    if made is None:
        raise RuntimeError("a refund that was just written is gone")
    return made


def _told(order_number: str, refund_id: int, number: str, is_sent: bool) -> list[Statement]:
    payload = {"refund_id": str(refund_id), "out_refund_no": number}
    return [outbox.emit("refund.requested", order_number, payload)] if is_sent else []


def is_fully_refunded(tx: Tx, order: OrderRow, payment: PaymentRow) -> bool:
    """Whether every fen that paid the order has gone back; for an order that cost nothing, every unit."""
    done = [
        refund for refund in refunds.refunds_of(tx, order.id)
        if refund.state is RefundState.SUCCESS and (refund.effective or refund.receipt_id is None)
    ]  # fmt: skip
    if payment.amount_fen:
        return sum(refund.amount_fen for refund in done) == payment.amount_fen
    returned = refunds.returned(tx, payment.id)
    lines = line_amounts(tx, order.id)
    return bool(done) and all(returned.get(line.line_id, rules.Returned()).units == line.quantity for line in lines)
