"""How refunds end: what WeChat Pay says of one is moved into our books, once, forwards only."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchard.core.errors import Unavailable
from orchard.core.ids import new_id
from orchard.payments import rules
from orchard.payments.models import (
    HOLDING,
    REFUND_TRANSITIONS,
    ExceptionKind,
    PaymentRow,
    RefundKind,
    RefundRow,
    RefundState,
)
from orchard.payments.service.exceptions import raise_exception, resolve_exception
from orchard.payments.store import books
from orchard.payments.store import refund as refunds
from orchard.runtime.database import Statement, Tx

if TYPE_CHECKING:
    from orchard.gateways.wechat_pay import Refund, RefundResult

_ALARMS = {RefundState.CLOSED: ExceptionKind.REFUND_CLOSED, RefundState.ABNORMAL: ExceptionKind.REFUND_ABNORMAL}
_TROUBLES = (ExceptionKind.REFUND_NOT_ENOUGH, ExceptionKind.REFUND_ABNORMAL, ExceptionKind.REFUND_STUCK,
             ExceptionKind.REFUND_REFUSED)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SaidOfRefund:
    """What WeChat Pay says of a refund, by notification, answer or query."""

    out_refund_no: str
    order_number: str
    transaction_id: str
    wechat_refund_id: str
    state: RefundState
    refund_fen: int
    total_fen: int
    currency: str


def said_of(refund: "Refund | RefundResult") -> SaidOfRefund:
    """The part of a refund that our books care for. Raises ValueError for a status that does not exist."""
    return SaidOfRefund(
        out_refund_no=refund.out_refund_no,
        order_number=refund.out_trade_no,
        transaction_id=refund.transaction_id,
        wechat_refund_id=refund.refund_id,
        state=RefundState(refund.status),
        refund_fen=refund.amount.refund,
        total_fen=refund.amount.total,
        currency=refund.amount.currency,
    )


def fits(tx: Tx, refund: RefundRow, said: SaidOfRefund) -> bool:
    """Whether this is our refund, to the fen; if not, an operator is called and nothing moves."""
    ours = (refund.order_number, refund.amount_fen, refund.total_fen, refund.transaction_id, "CNY")
    if (said.order_number, said.refund_fen, said.total_fen, said.transaction_id, said.currency) == ours:
        return True
    raise_exception(
        tx, ExceptionKind.REFUND_MISMATCH, refund.out_refund_no, refund_fen=said.refund_fen, total_fen=said.total_fen,
        expected_fen=refund.amount_fen, currency=said.currency,
    )  # fmt: skip
    return False


def move(tx: Tx, refund: RefundRow, target: RefundState, wechat_refund_id: str | None, problem: str = "") -> bool:
    """Take the step if it leads forwards; tells whether it did. The caller holds order, payment and refund locks.

    An abnormal refund that succeeds after all, when its amount was given to another refund meanwhile, raises
    Unavailable: the other one cannot succeed, and once it has failed this one can be booked.
    """
    if target not in REFUND_TRANSITIONS[refund.state]:
        return False
    if target in HOLDING and refund.state not in HOLDING:
        _check_room(tx, refund)
    again_in = None if target in {RefundState.SUCCESS, RefundState.CLOSED} else rules.seconds_to_next_try(refund.tries)
    tx.packet([
        refunds.move_refund(refund, target, wechat_refund_id, problem, again_in),
        *(_postings(tx, refund) if target is RefundState.SUCCESS else []),
    ])  # fmt: skip
    _tell(tx, refund, target, problem)
    return True


def _check_room(tx: Tx, refund: RefundRow) -> None:
    rest = [other for other in refunds.refunds_of(tx, refund.order_id) if other.id != refund.id]
    others = [other for other in rest if other.receipt_id == refund.receipt_id and other.state in HOLDING]
    if sum(other.amount_fen for other in others) + refund.amount_fen > refund.total_fen:
        raise Unavailable


def _postings(tx: Tx, refund: RefundRow) -> list[Statement]:
    cause = f"refund:{refund.out_refund_no}"
    if not refund.effective:
        amounts = {"refund_payable": refund.amount_fen, "gateway_clearing": -refund.amount_fen}
    else:
        freight = sum(line["freight_fen"] for line in refunds.refund_lines(tx, refund.id))
        amounts = {"revenue": refund.amount_fen - freight, "freight": freight, "gateway_clearing": -refund.amount_fen}
    return books.post(cause, refund.order_number, amounts)


def _tell(tx: Tx, refund: RefundRow, target: RefundState, problem: str) -> None:
    if target in _ALARMS:
        kind = ExceptionKind.REFUND_REFUSED if problem else _ALARMS[target]
        raise_exception(tx, kind, refund.out_refund_no, order_number=refund.order_number,
                        amount_fen=refund.amount_fen, problem=problem)  # fmt: skip
    elif target is RefundState.SUCCESS:
        for kind in _TROUBLES:
            resolve_exception(tx, kind, refund.out_refund_no, "refunded")
        if refund.kind is RefundKind.SURPLUS:
            resolve_exception(tx, ExceptionKind.SURPLUS, refund.out_refund_no, "refunded")


def adopt(tx: Tx, payment: PaymentRow, said: SaidOfRefund) -> RefundRow | None:
    """Take a refund into the books that was begun in the merchant console; None when it fits no money of ours.

    An operator is called either way. Raises Unavailable while our own refunds leave no room for it.
    """
    receipt = next((r for r in books.receipts(tx, payment.id) if r.transaction_id == said.transaction_id), None)
    raise_exception(tx, ExceptionKind.REFUND_UNKNOWN, said.out_refund_no, order_number=payment.order_number,
                    refund_fen=said.refund_fen, total_fen=said.total_fen)  # fmt: skip
    if receipt is None or receipt.amount_fen != said.total_fen or said.refund_fen < 1 or said.currency != "CNY":
        return None
    refund_id = new_id()
    tx.execute(refunds.insert_refund({
        "id": refund_id, "payment_id": payment.id, "receipt_id": receipt.id, "order_id": payment.order_id,
        "order_number": payment.order_number, "out_refund_no": said.out_refund_no, "kind": RefundKind.EXTERNAL.value,
        "request_key": f"external:{refund_id}", "amount_fen": said.refund_fen, "reason": "商户平台退款",
        "state": RefundState.CREATED.value,
    }))  # fmt: skip
    adopted = refunds.refund(tx, refund_id, lock=True)
    if adopted is not None:
        _check_room(tx, adopted)
    return adopted
