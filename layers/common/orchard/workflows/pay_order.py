"""Paying: one prepay per order, the same parameters while they live, and the truth after the sheet has closed."""

import time

from orchard.core.errors import NotFound
from orchard.members import service as members
from orchard.orders import service as orders
from orchard.orders.models import OrderRow, OrderState
from orchard.payments import wechat
from orchard.payments.models import CallState, OrderAlreadyPaid, OrderNotPayable, PaymentInProgress, PaymentRow
from orchard.payments.schemas import PaymentSheet, PaymentStatus, RequestPayment
from orchard.payments.service import prepay
from orchard.payments.service.prepay import PrepayStep
from orchard.payments.store import payment as store
from orchard.payments.wechat import Ending, Reply
from orchard.runtime import crash_points
from orchard.runtime.database import Connection, Tx
from orchard.runtime.sessions import MemberSession
from orchard.workflows.ask_wechat import ask

_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 6.0
_UNPAID = frozenset({OrderState.PENDING_PAY, OrderState.CLOSED})


def pay_order(transactions: Connection, member: MemberSession, order_number: str) -> PaymentSheet:
    """What the mini-program needs to open the payment sheet; repeating it gives the same prepay while it lives.

    An order that costs nothing needs no sheet. Raises NotFound, OrderNotPayable, OrderAlreadyPaid, the Conflict of a
    campaign whose share of the order is gone, PaymentInProgress, CounterpartyRefused, CounterpartyUnknown (the next
    attempt uses the same number and body), Unavailable, and ConfigurationError before anything is begun.
    """
    order = transactions.run(lambda tx: orders.owned_order(tx, member.member_id, order_number))
    if order.payable_fen == 0:
        # It was paid with nothing when it was placed.
        return PaymentSheet(order_number=order.order_number, state=order.state, amount_fen=0, parameters=None)
    _check_payable(order)
    body = _body(transactions, member, order)
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    while (step := transactions.run(lambda tx: _begin(tx, order_number, body))).action == "wait":
        if time.monotonic() > deadline:
            raise PaymentInProgress
        time.sleep(_WAIT_SECONDS)
    return _sheet(order, step.prepay_id if step.action == "use" else _prepay(transactions, order, step))


def _locked(tx: Tx, order_number: str) -> OrderRow:
    order = orders.locked_order(tx, order_number)
    if order is None:
        raise NotFound
    return order


def _check_payable(order: OrderRow) -> None:
    if order.state not in _UNPAID:
        raise OrderAlreadyPaid(state=order.state.value)
    if order.state is OrderState.CLOSED or order.expired:
        raise OrderNotPayable(state=order.state.value)


def _body(transactions: Connection, member: MemberSession, order: OrderRow) -> bytes:
    """The bytes of a first prepay; when there was one before, its stored bytes are posted instead of these."""
    openid, description = transactions.run(
        lambda tx: (members.member_openid(tx, member.member_id), orders.description(tx, order.id))
    )
    return wechat.client().prepay_body(
        out_trade_no=order.order_number,
        description=description,
        total_fen=order.payable_fen,
        openid=openid,
        notify_url=wechat.notify_url(wechat.PAYMENTS_PATH),
        time_expire=order.expires_at,
    )


def _begin(tx: Tx, order_number: str, body: bytes) -> PrepayStep:
    order = _locked(tx, order_number)
    _check_payable(order)
    orders.check_payable(tx, order)
    return prepay.begin_prepay(tx, order, body)


def _prepay(transactions: Connection, order: OrderRow, step: PrepayStep) -> str:
    crash_points.reached("pay_order.intent_committed")
    reply = wechat.attempt(transactions, lambda client: client.prepay(step.body))
    crash_points.reached("pay_order.called")
    if reply.ending is Ending.DONE and reply.value:
        prepay_id = reply.value
        if not transactions.run(lambda tx: prepay.prepay_done(tx, step, prepay_id)):
            raise OrderNotPayable
        crash_points.reached("pay_order.outcome_committed")
        return prepay_id
    transactions.run(lambda tx: _note_failure(tx, step, reply))
    crash_points.reached("pay_order.failure_committed")
    if reply.ending is Ending.PAID:
        ask(transactions, order.order_number)
        raise OrderAlreadyPaid
    if reply.ending is Ending.CLOSED:
        raise OrderNotPayable
    raise reply.error


def _note_failure(tx: Tx, step: PrepayStep, reply: Reply[str]) -> None:
    if reply.ending is Ending.UNKNOWN:
        prepay.prepay_unknown(tx, step, reply.note)
    else:
        state = CallState.NOT_DONE if reply.ending is Ending.NOT_DONE else CallState.REFUSED
        prepay.prepay_failed(tx, step, state, reply.note)


def _sheet(order: OrderRow, prepay_id: str) -> PaymentSheet:
    # Signed anew each time: the prepay_id is what has to stay the same.
    parameters = wechat.client().request_payment_parameters(prepay_id)
    return PaymentSheet(
        order_number=order.order_number,
        state=OrderState.PENDING_PAY,
        amount_fen=order.payable_fen,
        parameters=RequestPayment.model_validate(parameters),
    )


def confirm_payment(transactions: Connection, member: MemberSession, order_number: str) -> PaymentStatus:
    """How the order stands, after asking WeChat Pay: what the client believes plays no part.

    Raises NotFound, and CounterpartyUnknown or Unavailable when WeChat Pay gives no answer to trust.
    """
    order, payment = transactions.run(lambda tx: _with_payment(tx, member, order_number))
    if order.state is OrderState.PENDING_PAY and payment is not None:
        ask(transactions, order_number)
        order, _ = transactions.run(lambda tx: _with_payment(tx, member, order_number))
    return PaymentStatus(order_number=order.order_number, state=order.state, paid=order.state not in _UNPAID)


def _with_payment(tx: Tx, member: MemberSession, order_number: str) -> tuple[OrderRow, PaymentRow | None]:
    order = orders.owned_order(tx, member.member_id, order_number)
    return order, store.payment_of(tx, order.id)
