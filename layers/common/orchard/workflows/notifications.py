"""Notifications of WeChat Pay: verified, kept in the inbox, then booked; whatever dies between is finished later."""

import json
from collections.abc import Iterator
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from orchard.orders import service as orders
from orchard.payments import wechat
from orchard.payments.models import ExceptionKind, MismatchedNotification
from orchard.payments.service import settling
from orchard.payments.service.exceptions import raise_exception
from orchard.payments.store import payment as store
from orchard.runtime import crash_points, inbox
from orchard.runtime.callbacks import PlatformCall
from orchard.runtime.database import Connection, Row, Tx
from orchard.runtime.jobs import Counts, TimeLeft, Turns, each
from orchard.runtime.logs import logger
from orchard.workflows.ask_wechat import ask
from orchard.workflows.payment_succeeded import Outcome, settle
from orchard.workflows.refund_settled import adopt_refund, apply_refund

if TYPE_CHECKING:
    from orchard.gateways.wechat_pay import Notification, RefundResult, Transaction

PAYMENTS = "wechat_pay.payments"
REFUNDS = "wechat_pay.refunds"
_BATCH = 100
_REFUSED = frozenset({Outcome.MISMATCH.value, Outcome.UNKNOWN_ORDER.value, "unknown"})


def accept_payment(transactions: Connection, call: PlatformCall) -> None:
    """Handle a payment notification; returning acknowledges it.

    Raises InvalidNotification (401) before anything is stored, MismatchedNotification once an operator was called.
    """
    from orchard.gateways.wechat_pay import as_transaction

    notification = _opened(call, "TRANSACTION.")
    said = as_transaction(notification.resource)
    if not said.was_paid:
        logger.info("notification of an unpaid transaction", trade_state=said.trade_state)
        return
    if (said.mchid, said.appid) != wechat.merchant():
        _refuse_foreign(transactions, said.out_trade_no)
    payload = said.model_dump(mode="json", exclude={"attach", "bank_type"})
    transactions.run(lambda tx: inbox.store(tx, PAYMENTS, notification.id, said.out_trade_no[:64], payload))
    crash_points.reached("notifications.payment_stored")
    outcome = _book_payment(transactions, notification.id, said)
    crash_points.reached("notifications.payment_booked")
    _acknowledge(outcome)


def accept_refund(transactions: Connection, call: PlatformCall) -> None:
    """Handle a refund notification; raises as `accept_payment`."""
    from orchard.gateways.wechat_pay import as_refund

    notification = _opened(call, "REFUND.")
    said = as_refund(notification.resource)
    if said.mchid != wechat.merchant()[0]:
        _refuse_foreign(transactions, said.out_refund_no)
    facts = _facts(said)
    payload = said.model_dump(mode="json", exclude={"user_received_account"})
    transactions.run(lambda tx: inbox.store(tx, REFUNDS, notification.id, said.out_refund_no[:64], payload))
    crash_points.reached("notifications.refund_stored")
    outcome = _book_refund(transactions, notification.id, facts)
    crash_points.reached("notifications.refund_booked")
    _acknowledge(outcome)


def _opened(call: PlatformCall, expected: str) -> "Notification":
    notification = wechat.open_notification(call)
    if not notification.event_type.startswith(expected):
        raise MismatchedNotification(event_type=notification.event_type)
    return notification


def _refuse_foreign(transactions: Connection, subject: str) -> None:
    transactions.run(lambda tx: raise_exception(tx, ExceptionKind.FOREIGN_MERCHANT, subject))
    raise MismatchedNotification(reason="foreign merchant")


def _acknowledge(outcome: str) -> None:
    if outcome in _REFUSED:
        raise MismatchedNotification(reason=outcome)


def _book_payment(transactions: Connection, event_id: str, said: "Transaction") -> str:
    def work(tx: Tx) -> str:
        outcome = settle(tx, said, "NOTIFY").value
        tx.at_commit(inbox.processed(PAYMENTS, event_id, outcome))
        return outcome

    return transactions.run(work)


def _facts(said: "RefundResult") -> settling.SaidOfRefund:
    try:
        return settling.said_of(said)
    except ValueError:
        raise MismatchedNotification(reason="refund status") from None


def _book_refund(transactions: Connection, event_id: str, said: settling.SaidOfRefund) -> str:
    def work(tx: Tx) -> str:
        outcome = apply_refund(tx, said)
        if outcome != "unknown":
            tx.at_commit(inbox.processed(REFUNDS, event_id, outcome))
        return outcome

    outcome = transactions.run(work)
    return _book_foreign_refund(transactions, event_id, said) if outcome == "unknown" else outcome


def _book_foreign_refund(transactions: Connection, event_id: str, said: settling.SaidOfRefund) -> str:
    """A refund that we did not begin. Its payment may not be in our books yet, so that is asked for first."""
    if transactions.run(lambda tx: _has_payment(tx, said.order_number)):
        ask(transactions, said.order_number)

    def work(tx: Tx) -> str:
        outcome = adopt_refund(tx, said)
        if outcome == "unknown":
            raise_exception(tx, ExceptionKind.REFUND_UNKNOWN, said.out_refund_no, refund_fen=said.refund_fen)
        tx.at_commit(inbox.processed(REFUNDS, event_id, outcome))
        return outcome

    return transactions.run(work)


def _has_payment(tx: Tx, order_number: str) -> bool:
    order = orders.locked_order(tx, order_number)
    return order is not None and store.payment_of(tx, order.id) is not None


def finish_inbox(transactions: Connection, time_left: TimeLeft) -> Counts:
    """Book the notifications that were stored and acknowledged, or not, by a function that then died."""
    counts: Counts = {}
    for source in (PAYMENTS, REFUNDS):
        turns = Turns[Row](transactions, f"inbox {source}", frozenset(), itemgetter("id"))
        finish = turns.take(partial(_finish, transactions, source))
        for name, number in each(_stored(transactions, source, turns, time_left), finish, time_left).items():
            counts[name] = counts.get(name, 0) + number
    return counts


def _stored(transactions: Connection, source: str, turns: Turns[Row], time_left: TimeLeft) -> Iterator[Row]:
    after_id = 0
    while time_left:
        page = transactions.run(partial(inbox.unprocessed, source=source, limit=_BATCH, after_id=after_id))
        yield from turns.due(page)
        if len(page) < _BATCH:
            return
        after_id = page[-1]["id"]


def _finish(transactions: Connection, source: str, row: Row) -> str:
    from orchard.gateways.wechat_pay import as_refund, as_transaction

    payload: dict[str, Any] = json.loads(row["payload"])
    if source == PAYMENTS:
        return _book_payment(transactions, row["event_id"], as_transaction(payload))
    # The model's field is `status`, the platform's word in notifications is `refund_status`.
    result = as_refund(payload | {"refund_status": payload["status"]})
    return _book_refund(transactions, row["event_id"], _facts(result))
