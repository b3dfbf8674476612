"""Asking WeChat Pay how an order stands, and booking the money if there is any."""

from enum import StrEnum

from orchard.core.errors import CounterpartyUnknown, Unavailable
from orchard.payments import rules, wechat
from orchard.payments.models import PaymentRow
from orchard.payments.store import payment as store
from orchard.runtime import crash_points
from orchard.runtime.database import Connection
from orchard.runtime.jobs import Counts, TimeLeft, each
from orchard.workflows.payment_succeeded import settle

_BATCH = 200
ASK_SECONDS = wechat.LONGEST_CALL_SECONDS


class Standing(StrEnum):
    """How an order stands at WeChat Pay. PAID has been booked (or put before an operator) when it is returned."""

    PAID = "paid"
    UNPAID = "unpaid"
    CLOSED = "closed"
    MISSING = "missing"


def ask(transactions: Connection, order_number: str) -> Standing:
    """Query, and book what was paid. Raises CounterpartyUnknown or Unavailable when there is no answer to trust.

    No transaction may be open on `transactions`.
    """
    reply = wechat.attempt(transactions, lambda client: client.query(order_number))
    if reply.ending is wechat.Ending.CLOSED:
        return Standing.CLOSED
    if reply.ending is not wechat.Ending.DONE:
        raise reply.error
    said = reply.value
    if said is None:
        return Standing.MISSING
    if said.was_paid:
        crash_points.reached("ask_wechat.heard_of_money")
        transactions.run(lambda tx: settle(tx, said, "QUERY"))
        return Standing.PAID
    return Standing.CLOSED if said.is_closed else Standing.UNPAID


def sync_payments(transactions: Connection, time_left: TimeLeft) -> Counts:
    """Query the payments whose notification is overdue: 10 seconds to 65 minutes after the prepay, eight times.

    Each query is claimed by a conditional UPDATE, so that overlapping runs do not ask twice.
    """
    due = transactions.run(lambda tx: store.due_queries(tx, _BATCH))
    return each(due, lambda payment: _sync(transactions, payment), time_left)


def _sync(transactions: Connection, payment: PaymentRow) -> str:
    next_in = rules.seconds_to_next_query(payment.query_attempt + 1)
    claim = store.claim_query(payment.id, payment.query_attempt, next_in)
    if transactions.run(lambda tx: tx.execute(claim)) != 1:
        return "taken"
    crash_points.reached("ask_wechat.query_claimed")
    try:
        return ask(transactions, payment.order_number).value
    except (Unavailable, CounterpartyUnknown):
        return "later"
