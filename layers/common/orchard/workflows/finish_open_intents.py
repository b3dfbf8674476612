"""The sweep: whatever was begun at WeChat Pay and never ended is asked for and ended."""

from orchard.core.errors import CounterpartyUnknown, Unavailable
from orchard.orders.models import OrderState
from orchard.payments import rules, wechat
from orchard.payments.models import CallKind, CallRow, CallState, ExceptionKind, PaymentState, RefundRow
from orchard.payments.service.exceptions import raise_exception, resolve_exception
from orchard.payments.store import payment as store
from orchard.payments.store import refund as refunds
from orchard.runtime import crash_points
from orchard.runtime.database import Connection, Tx
from orchard.runtime.jobs import Counts, TimeLeft, each
from orchard.workflows.ask_wechat import Standing, ask
from orchard.workflows.close_order import CLOSE_SECONDS, close_order
from orchard.workflows.notifications import finish_inbox
from orchard.workflows.send_refunds import send_refund

_BATCH = 100
# A close, and the query before it is tried again; a refund is asked for, sent and asked for once more.
INTENT_SECONDS = CLOSE_SECONDS + wechat.LONGEST_CALL_SECONDS


def finish_open_intents(transactions: Connection, time_left: TimeLeft) -> Counts:
    """Finish stored notifications, open prepays and closes, and refunds that are due for a try or a query."""
    counts = {f"inbox_{name}": number for name, number in finish_inbox(transactions, time_left).items()}
    calls = transactions.run(lambda tx: store.due_calls(tx, _BATCH))
    for name, number in each(calls, lambda call: _finish_call(transactions, call), time_left).items():
        counts[f"calls_{name}"] = number
    due = transactions.run(lambda tx: refunds.due_refunds(tx, _BATCH))
    for name, number in each(due, lambda refund: _try_refund(transactions, refund), time_left).items():
        counts[f"refunds_{name}"] = number
    return counts


def _try_refund(transactions: Connection, refund: RefundRow) -> str:
    return send_refund(transactions, refund.id)


def _finish_call(transactions: Connection, call: CallRow) -> str:
    if not transactions.run(lambda tx: _claim(tx, call)):
        return "taken"
    crash_points.reached("finish_open_intents.call_claimed")
    try:
        if call.kind is CallKind.CLOSE:
            return _finish_close(transactions, call)
        return _finish_prepay(transactions, call)
    except (Unavailable, CounterpartyUnknown):
        return "later"


def _claim(tx: Tx, call: CallRow) -> bool:
    if tx.execute(store.claim_call(call, rules.seconds_to_next_try(call.tries))) != 1:
        return False
    if call.stuck:
        raise_exception(tx, ExceptionKind.STUCK_CALL, call.order_number, call=call.kind.value, tries=call.tries)
    return True


def _finish_prepay(transactions: Connection, call: CallRow) -> str:
    standing = ask(transactions, call.order_number)
    if standing is Standing.MISSING and call.recent:
        return "later"
    crash_points.reached("finish_open_intents.prepay_decided")
    transactions.run(lambda tx: _end_prepay(tx, call, standing))
    return standing.value


def _end_prepay(tx: Tx, call: CallRow, standing: Standing) -> None:
    store.lock_payment(tx, call.payment_id)
    arrived = standing is not Standing.MISSING
    target = PaymentState.PREPAID if arrived else PaymentState.CREATED
    tx.packet([
        store.end_call(call.id, CallState.DONE if arrived else CallState.NOT_DONE, f"found {standing.value}"),
        # Without its prepay_id, which only another prepay with the same body can tell.
        store.set_state(call.payment_id, target, (PaymentState.UNKNOWN,)),
    ])  # fmt: skip
    resolve_exception(tx, ExceptionKind.STUCK_CALL, call.order_number, "decided")


def _finish_close(transactions: Connection, call: CallRow) -> str:
    # Before its time was over only the buyer can have begun to close it.
    state = close_order(transactions, call.order_number, "timeout")
    if state is OrderState.PENDING_PAY:
        state = close_order(transactions, call.order_number, "cancelled")
    if state is OrderState.PENDING_PAY:
        return "undecided"
    ended = store.end_call(call.id, CallState.DONE, f"order {state.value}")
    transactions.run(lambda tx: tx.execute(ended))
    return "closed" if state is OrderState.CLOSED else "paid"
