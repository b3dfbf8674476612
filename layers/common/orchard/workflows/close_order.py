"""Closing an unpaid order: ask WeChat Pay, close there, make sure, and only then give back what the order held."""

import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from operator import attrgetter
from typing import Literal

from orchard.core.errors import CounterpartyUnknown, NotFound, Unavailable
from orchard.core.ids import new_id
from orchard.orders import service as orders
from orchard.orders.models import OrderRow, OrderState
from orchard.orders.schemas.placing import CancelledOrder
from orchard.payments import wechat
from orchard.payments.models import CallKind, CallState, OrderAlreadyPaid, PaymentInProgress, PaymentRow, PaymentState
from orchard.payments.store import payment as store
from orchard.payments.wechat import Ending
from orchard.runtime import crash_points
from orchard.runtime.database import Connection, Tx
from orchard.runtime.jobs import Counts, TimeLeft, Turns, add, each
from orchard.runtime.logs import logger
from orchard.runtime.sessions import MemberSession
from orchard.workflows.ask_wechat import Standing, ask

Reason = Literal["cancelled", "timeout"]
_BATCH = 100
_ROUNDS = 3
_RETRY_SECONDS = 60
# A query and a close always get their time; further rounds only where WeChat Pay is quick.
CLOSE_SECONDS = 2 * wechat.LONGEST_CALL_SECONDS
_UNPAID = (PaymentState.CREATED, PaymentState.UNKNOWN, PaymentState.PREPAID)


def cancel_order(transactions: Connection, member: MemberSession, order_number: str) -> CancelledOrder:
    """Close the member's unpaid order; an order that is closed already answers the same.

    Raises NotFound, OrderAlreadyPaid (also when the money wins the race), PaymentInProgress, CounterpartyUnknown,
    Unavailable; an order whose closing has begun is closed by the sweep if nobody repeats the call.
    """
    order = transactions.run(lambda tx: orders.owned_order(tx, member.member_id, order_number))
    state = order.state
    if state is OrderState.PENDING_PAY:
        state = close_order(transactions, order_number, "cancelled")
    if state is OrderState.PENDING_PAY:
        raise PaymentInProgress
    if state is not OrderState.CLOSED:
        raise OrderAlreadyPaid(state=state.value)
    return CancelledOrder(order_number=order_number, state=state)


def close_order(transactions: Connection, order_number: str, reason: Reason) -> OrderState:
    """Close one order and return where it stands: CLOSED, or paid because the money was there first.

    Nothing is released before WeChat Pay said that the order is closed there or was never known. `timeout` leaves
    alone what has not expired by the database's clock. Raises as `cancel_order`.
    """
    call_id = transactions.run(lambda tx: _begin(tx, order_number, reason))
    if call_id is not None:
        crash_points.reached("close_order.intent_committed")
        standing = _at_wechat(transactions, order_number, call_id)
        crash_points.reached("close_order.decided_at_wechat")
        if standing is not Standing.PAID:
            transactions.run(lambda tx: _finish(tx, order_number, reason, standing))
            crash_points.reached("close_order.released")
    return transactions.run(lambda tx: _state(tx, order_number))


def _locked(tx: Tx, order_number: str) -> tuple[OrderRow, PaymentRow | None]:
    order = orders.locked_order(tx, order_number)
    if order is None:
        raise NotFound
    return order, store.payment_of(tx, order.id, lock=True)


def _begin(tx: Tx, order_number: str, reason: Reason) -> int | None:
    """The intent's id, or None where WeChat Pay need not be asked: not due, over already, or never prepaid."""
    order, payment = _locked(tx, order_number)
    if order.state is not OrderState.PENDING_PAY or (reason == "timeout" and not order.expired):
        return None
    if payment is None or payment.state is PaymentState.CLOSED:
        _close(tx, order, reason)
        return None
    calls = store.open_calls(tx, payment.id)
    if any(call.kind is CallKind.PREPAY and call.in_flight for call in calls):
        raise PaymentInProgress
    begun = next((call.id for call in calls if call.kind is CallKind.CLOSE), None)
    if begun is not None:
        # One intent for one wish, however often it is repeated and by whomever.
        return begun
    call_id = new_id()
    tx.packet([store.set_closing(payment.id), store.insert_call(call_id, payment.id, CallKind.CLOSE)])
    return call_id


def _at_wechat(transactions: Connection, order_number: str, call_id: int) -> Standing:
    try:
        standing = _closed_there(transactions, order_number)
    except (CounterpartyUnknown, Unavailable) as error:
        # Even where certainly nothing was done the wish to close stays: the sweep repeats it.
        left_open = store.call_unknown(call_id, str(error), _RETRY_SECONDS)
        transactions.run(lambda tx: tx.execute(left_open))
        raise
    if standing is Standing.PAID:
        ended = store.end_call(call_id, CallState.REFUSED, "paid")
        transactions.run(lambda tx: tx.execute(ended))
    return standing


def _closed_there(transactions: Connection, order_number: str) -> Standing:
    """Query, close, query again, until the order is paid, closed or unknown there; for CLOSE_SECONDS at most."""
    began = time.monotonic()
    for number in range(_ROUNDS):
        if number:
            _check_time(began)
        standing = ask(transactions, order_number)
        if standing is not Standing.UNPAID:
            return standing
        crash_points.reached("close_order.found_unpaid")
        reply = wechat.attempt(transactions, lambda client: client.close(order_number))
        crash_points.reached("close_order.called")
        if reply.ending is Ending.NOT_DONE:
            raise reply.error
    raise CounterpartyUnknown


def _check_time(began: float) -> None:
    if time.monotonic() - began > CLOSE_SECONDS - wechat.LONGEST_CALL_SECONDS:
        raise CounterpartyUnknown


def _finish(tx: Tx, order_number: str, reason: Reason, standing: Standing) -> None:
    order, payment = _locked(tx, order_number)
    if payment is None or order.state is not OrderState.PENDING_PAY:
        return
    if standing is Standing.MISSING:
        _check_never_prepaid(tx, payment)
    tx.packet([
        store.end_calls_of(payment.id, CallKind.CLOSE, CallState.DONE, standing.value),
        store.end_calls_of(payment.id, CallKind.PREPAY, CallState.NOT_DONE, standing.value),
        store.set_state(payment.id, PaymentState.CLOSED, _UNPAID),
    ])  # fmt: skip
    _close(tx, order, reason)


def _check_never_prepaid(tx: Tx, payment: PaymentRow) -> None:
    """`Never heard of it` counts only where no prepay was answered and none may still be on its way."""
    if payment.prepay_id is not None or any(
        call.kind is CallKind.PREPAY and call.recent for call in store.open_calls(tx, payment.id)
    ):
        raise PaymentInProgress


def _close(tx: Tx, order: OrderRow, reason: Reason) -> None:
    orders.close(tx, [order], reason, "member" if reason == "cancelled" else "system")


def _state(tx: Tx, order_number: str) -> OrderState:
    return _locked(tx, order_number)[0].state


def close_unpaid_orders(transactions: Connection, time_left: TimeLeft) -> Counts:
    """Close the orders whose time to pay is over, oldest first.

    Those that WeChat Pay cannot know go together, up to _BATCH in one transaction; the others, and all of a batch in
    which anything went wrong, each in a bracket of its own. What WeChat Pay does not let be closed now gets its next
    turn later: within 15 minutes, before nobody else.
    """
    counts: Counts = {}
    turns = Turns[OrderRow](transactions, "close_unpaid_orders", frozenset({"later", "undecided"}), attrgetter("id"))
    due = _due(transactions, turns, time_left)
    while batch := list(islice(due, _BATCH)):
        closed, left = _together(transactions, batch)
        add(counts, {"closed": closed} if closed else {})
        add(counts, each(left, turns.take(partial(_timed_out, transactions)), time_left))
    return counts


def _together(transactions: Connection, batch: Sequence[OrderRow]) -> tuple[int, Sequence[OrderRow]]:
    """How many were closed at once, and which are left to be closed one by one."""
    try:
        closed, gone = transactions.run(lambda tx: _close_unknown_there(tx, [order.id for order in batch]))
    except Exception:
        # One order that cannot be closed must not keep the others open.
        logger.exception("batch not closed; going on one by one", orders=len(batch))
        return 0, batch
    return len(closed), [order for order in batch if order.id not in closed | gone]


def _close_unknown_there(tx: Tx, order_ids: Sequence[int]) -> tuple[set[int], set[int]]:
    """Close what nobody ever began to pay; also, what has moved on meanwhile and needs nothing more.

    Paying begins under the order's lock, so an order that has no payment now gets none before the commit.
    """
    due = orders.lock_expired(tx, order_ids)
    gone = set(order_ids) - {order.id for order in due}
    askable = store.askable_orders(tx, order_ids) if due else set()
    unknown = [order for order in due if order.id not in askable]
    if unknown:
        orders.close(tx, unknown, "timeout")
    return {order.id for order in unknown}, gone


def _due(transactions: Connection, turns: Turns[OrderRow], time_left: TimeLeft) -> Iterator[OrderRow]:
    after = None
    while time_left:
        page = transactions.run(partial(orders.due_unpaid, limit=_BATCH, after=after))
        yield from turns.due(page)
        if len(page) < _BATCH:
            return
        after = (page[-1].expires_at, page[-1].id)


def _timed_out(transactions: Connection, order: OrderRow) -> str:
    try:
        state = close_order(transactions, order.order_number, "timeout")
    except (Unavailable, CounterpartyUnknown):
        return "later"
    if state is OrderState.PENDING_PAY:
        return "undecided"
    return "closed" if state is OrderState.CLOSED else "paid"
