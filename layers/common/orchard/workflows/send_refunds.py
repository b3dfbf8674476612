"""Sending refunds to WeChat Pay: the same number and the same bytes at every try, a query before a repeat."""

from orchard.core.errors import CounterpartyUnknown
from orchard.payments import rules, wechat
from orchard.payments.models import ExceptionKind, RefundRow, RefundState
from orchard.payments.service import settling
from orchard.payments.service.exceptions import raise_exception
from orchard.payments.store import refund as refunds
from orchard.payments.wechat import Ending, Reply
from orchard.runtime import crash_points
from orchard.runtime.database import Connection, Tx
from orchard.runtime.queues import QueuedEvent
from orchard.workflows.refund_settled import apply_refund, lock

_LEASE_SECONDS = 60
_STUCK_TRIES = 12


def send_requested_refund(transactions: Connection, event: QueuedEvent) -> None:
    """React to refund.requested. A refund that was tried before stays with the sweep, which keeps the pauses."""
    send_refund(transactions, int(event.payload["refund_id"]))


def send_refund(transactions: Connection, refund_id: int) -> str:
    """Take the refund one step further and say how it stands: its state, `known`, `waiting`, `refused` or `not_due`.

    A refund that was never tried is sent. One that was tried is asked for first; only if WeChat Pay has never seen
    the number is it sent again, unchanged. What fails stays due, with a growing pause. Raises ConfigurationError.
    """
    notify_url = wechat.notify_url(wechat.REFUNDS_PATH)
    wechat.client()
    refund = transactions.run(lambda tx: _claim(tx, refund_id, notify_url))
    if refund is None:
        return "not_due"
    crash_points.reached("send_refunds.claimed")
    if refund.state is RefundState.CREATED and refund.tries == 1:
        return _send(transactions, refund)
    return _ask(transactions, refund)


def _claim(tx: Tx, refund_id: int, notify_url: str) -> RefundRow | None:
    refund = refunds.refund(tx, refund_id)
    if refund is None or tx.execute(refunds.claim_refund(refund, notify_url, _LEASE_SECONDS)) != 1:
        return None
    return refunds.refund(tx, refund_id)


def _send(transactions: Connection, refund: RefundRow) -> str:
    from orchard.gateways.wechat_pay import RefundRequest

    request = RefundRequest(
        out_trade_no=refund.order_number,
        out_refund_no=refund.out_refund_no,
        refund_fen=refund.amount_fen,
        total_fen=refund.total_fen,
        notify_url=refund.notify_url or "",
        reason=refund.reason,
        # A second payment under the same number could not be told apart by the number.
        transaction_id=None if refund.effective else refund.transaction_id,
    )
    reply = wechat.attempt(transactions, lambda client: settling.said_of(client.refund(request)))
    crash_points.reached("send_refunds.sent")
    if reply.ending in {Ending.DONE, Ending.UNKNOWN, Ending.NOT_DONE, Ending.NOT_ENOUGH}:
        return _note(transactions, refund, reply)
    # Refused for good, perhaps because it was done before: only a query decides.
    return _ask(transactions, refund, refused=reply.note)


def _ask(transactions: Connection, refund: RefundRow, refused: str = "") -> str:
    reply = wechat.attempt(transactions, lambda client: client.query_refund(refund.out_refund_no))
    if reply.ending is not Ending.DONE:
        return _note(transactions, refund, Reply(reply.ending, error=reply.error, note=reply.note))
    if reply.value is not None:
        return _note(transactions, refund, Reply(Ending.DONE, settling.said_of(reply.value)))
    if refused:
        return transactions.run(lambda tx: _refuse(tx, refund, refused))
    if refund.state is not RefundState.CREATED:
        return _note(transactions, refund, Reply(Ending.UNKNOWN, error=CounterpartyUnknown(), note="vanished"))
    return _send(transactions, refund)


def _note(transactions: Connection, refund: RefundRow, reply: Reply[settling.SaidOfRefund]) -> str:
    said = reply.value
    if said is not None:
        outcome = transactions.run(lambda tx: apply_refund(tx, said))
        crash_points.reached("send_refunds.booked")
        if outcome in {"known", "mismatch"}:
            transactions.run(lambda tx: _put_off(tx, refund, outcome if outcome == "mismatch" else ""))
        return outcome
    transactions.run(lambda tx: _put_off(tx, refund, reply.note, balance_short=reply.ending is Ending.NOT_ENOUGH))
    return "waiting"


def _put_off(tx: Tx, refund: RefundRow, problem: str, *, balance_short: bool = False) -> None:
    again_in = rules.seconds_to_next_try(refund.tries, balance_short=balance_short)
    tx.execute(refunds.put_off_refund(refund.id, problem, again_in))
    if balance_short:
        raise_exception(tx, ExceptionKind.REFUND_NOT_ENOUGH, refund.out_refund_no,
                        order_number=refund.order_number, amount_fen=refund.amount_fen)  # fmt: skip
    elif refund.tries >= _STUCK_TRIES:
        raise_exception(tx, ExceptionKind.REFUND_STUCK, refund.out_refund_no, order_number=refund.order_number,
                        tries=refund.tries, problem=problem)  # fmt: skip


def _refuse(tx: Tx, seen: RefundRow, problem: str) -> str:
    """Refused for good and never seen: the amount is free again, and a person must find another way."""
    _, _, refund = lock(tx, seen)
    settling.move(tx, refund, RefundState.CLOSED, None, problem)
    return "refused"
