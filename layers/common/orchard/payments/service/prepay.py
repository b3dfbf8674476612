"""Beginning a payment: one prepay at a time, under the order's number, with the same bytes each time."""

import json
from dataclasses import dataclass
from typing import Literal

from orchard.core.ids import new_id
from orchard.orders.models import OrderRow
from orchard.payments import rules
from orchard.payments.models import CallKind, CallState, OrderNotPayable, PaymentRow, PaymentState
from orchard.payments.store import payment as store
from orchard.runtime.database import Tx

PREPAY_LIVES_SECONDS = 2 * 3600
_OPEN = (PaymentState.CREATED, PaymentState.UNKNOWN, PaymentState.PREPAID)


@dataclass(frozen=True, slots=True)
class PrepayStep:
    """What the caller has to do: use `prepay_id`, wait for whoever is calling, or call with `body`."""

    action: Literal["use", "wait", "call"]
    payment_id: int
    prepay_id: str = ""
    call_id: int = 0
    body: bytes = b""


def begin_prepay(tx: Tx, order: OrderRow, body: bytes) -> PrepayStep:
    """Find the order's payment or make it with `body`, and write the intent of a call where one is due.

    The caller holds the order's lock. A body that was stored before wins. Raises OrderNotPayable once it is closing.
    """
    payment = store.payment_of(tx, order.id, lock=True)
    if payment is None:
        return _call(tx, _create(tx, order, body), body)
    if payment.closing or payment.state not in _OPEN:
        raise OrderNotPayable
    if payment.state is PaymentState.PREPAID and payment.prepay_id and payment.prepay_lives:
        return PrepayStep("use", payment.id, prepay_id=payment.prepay_id)
    if any(call.kind is CallKind.PREPAY and call.in_flight for call in store.open_calls(tx, payment.id)):
        return PrepayStep("wait", payment.id)
    return _call(tx, payment.id, payment.prepay_body or body)


def _create(tx: Tx, order: OrderRow, body: bytes) -> int:
    payment_id = new_id()
    row = {"id": payment_id, "order_id": order.id, "order_number": order.order_number,
           "amount_fen": order.payable_fen, "state": PaymentState.CREATED.value, "prepay_body": body}  # fmt: skip
    tx.execute(store.insert_payment(row))
    return payment_id


def _call(tx: Tx, payment_id: int, body: bytes) -> PrepayStep:
    call_id = new_id()
    tx.execute(store.insert_call(call_id, payment_id, CallKind.PREPAY))
    return PrepayStep("call", payment_id, call_id=call_id, body=body)


def prepay_done(tx: Tx, step: PrepayStep, prepay_id: str) -> bool:
    """WeChat Pay has the order; tells whether it may still be paid with our consent.

    Every earlier prepay that hung in the air is decided by that, too.
    """
    payment = store.lock_payment(tx, step.payment_id)
    first_query = rules.seconds_to_next_query(0) or 0
    tx.packet([
        store.end_call(step.call_id, CallState.DONE),
        store.end_calls_of(step.payment_id, CallKind.PREPAY, CallState.DONE, "decided by a later call"),
        store.set_prepaid(step.payment_id, prepay_id, PREPAY_LIVES_SECONDS, first_query),
    ])  # fmt: skip
    return payment.state in _OPEN and not payment.closing


def prepay_failed(tx: Tx, step: PrepayStep, state: CallState, note: str) -> None:
    """WeChat Pay certainly did not take it: REFUSED for good, or NOT_DONE this time."""
    tx.execute(store.end_call(step.call_id, state, note))


def prepay_unknown(tx: Tx, step: PrepayStep, note: str) -> None:
    """No trustworthy answer: the sweep asks, or the next attempt to pay posts the same body again."""
    tx.packet([
        store.call_unknown(step.call_id, note, rules.seconds_to_next_query(0) or 0),
        store.set_state(step.payment_id, PaymentState.UNKNOWN, (PaymentState.CREATED,)),
    ])  # fmt: skip


def record_free(tx: Tx, order: OrderRow) -> None:
    """The payment row of an order that cost nothing, for a refund to hang on: no money, no call."""
    row = {"id": new_id(), "order_id": order.id, "order_number": order.order_number, "amount_fen": 0,
           "state": PaymentState.SUCCESS.value}  # fmt: skip
    tx.execute(store.insert_payment(row, paid=True))


def payer_of(payment: PaymentRow) -> str:
    """The openid that the payment was opened for, as it stands in the stored body."""
    return str(json.loads(payment.prepay_body or b"{}").get("payer", {}).get("openid", ""))
