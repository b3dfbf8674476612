"""Money that arrived: either it pays the order, or it is surplus and goes back by itself."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from orchard.core.clock import to_database, utc_now
from orchard.core.ids import new_id
from orchard.orders.models import OrderRow
from orchard.orders.service import line_amounts
from orchard.payments import rules
from orchard.payments.models import (
    CallKind,
    CallState,
    ExceptionKind,
    PaymentRow,
    PaymentState,
    RefundKind,
    RefundState,
)
from orchard.payments.service.exceptions import raise_exception
from orchard.payments.service.prepay import payer_of
from orchard.payments.store import books
from orchard.payments.store import payment as store
from orchard.payments.store import refund as refunds
from orchard.runtime import outbox
from orchard.runtime.database import Tx
from orchard.runtime.logs import count, logger

if TYPE_CHECKING:
    from orchard.gateways.wechat_pay import Transaction

Source = Literal["NOTIFY", "QUERY"]
_UNPAID = (PaymentState.CREATED, PaymentState.UNKNOWN, PaymentState.PREPAID)


def facts_of(said: "Transaction") -> rules.PaidFacts:
    """The part of a paid transaction that is compared with our books."""
    return rules.PaidFacts(
        merchant_id=said.mchid,
        app_id=said.appid,
        order_number=said.out_trade_no,
        transaction_id=said.transaction_id or "",
        amount_fen=said.amount.total or 0,
        currency=said.amount.currency,
        openid=said.payer.openid,
    )


def fits(tx: Tx, payment: PaymentRow, merchant: tuple[str, str], said: rules.PaidFacts) -> bool:
    """Whether the money is what the payment asked for; if not, an operator is called."""
    expected = rules.Expected(*merchant, payment.amount_fen, payer_of(payment))
    kind = rules.mismatch(expected, said)
    if kind is not None:
        raise_exception(
            tx, kind, payment.order_number, transaction_id=said.transaction_id, amount_fen=said.amount_fen,
            currency=said.currency, expected_fen=payment.amount_fen,
        )  # fmt: skip
    return kind is None


def already_received(tx: Tx, payment: PaymentRow, transaction_id: str) -> bool:
    """Whether this very money is in the books."""
    return any(receipt.transaction_id == transaction_id for receipt in books.receipts(tx, payment.id))


def record_effective(
    tx: Tx, order: OrderRow, payment: PaymentRow, said: rules.PaidFacts, at: datetime | None, source: Source
) -> None:
    """This money pays the order: receipt, balanced entry, payment SUCCESS. The caller moves the order."""
    lines = line_amounts(tx, order.id)
    goods, freight = sum(line.goods_fen for line in lines), sum(line.freight_fen for line in lines)
    amounts = {"gateway_clearing": said.amount_fen, "revenue": -goods, "freight": -freight}
    paid = store.set_state(payment.id, PaymentState.SUCCESS, _UNPAID)
    tx.packet([
        books.insert_receipt(_receipt(payment, said, at, source, effective=True)),
        *books.post(f"payment:{said.transaction_id}", order.order_number, amounts),
        store.end_calls_of(payment.id, CallKind.PREPAY, CallState.DONE, "paid"),
        store.end_calls_of(payment.id, CallKind.CLOSE, CallState.REFUSED, "paid"),
        paid,
    ])  # fmt: skip


def record_surplus(
    tx: Tx, order: OrderRow, payment: PaymentRow, said: rules.PaidFacts, at: datetime | None, source: Source
) -> None:
    """This money pays nothing: receipt, balanced entry, and its refund under a number derived from the receipt."""
    row = _receipt(payment, said, at, source, effective=False)
    refund_id, number = new_id(), f"RS{row['id']}"
    refund = {
        "id": refund_id, "payment_id": payment.id, "receipt_id": row["id"], "order_id": order.id,
        "order_number": order.order_number, "out_refund_no": number, "kind": RefundKind.SURPLUS.value,
        "request_key": f"surplus:{row['id']}", "amount_fen": said.amount_fen, "reason": "订单已关闭或重复支付",
        "state": RefundState.CREATED.value,
    }  # fmt: skip
    amounts = {"gateway_clearing": said.amount_fen, "refund_payable": -said.amount_fen}
    tx.packet([
        books.insert_receipt(row),
        *books.post(f"surplus:{said.transaction_id}", order.order_number, amounts),
        refunds.insert_refund(refund),
        outbox.emit("refund.requested", order.order_number, {"refund_id": str(refund_id), "out_refund_no": number}),
        store.end_calls_of(payment.id, CallKind.PREPAY, CallState.DONE, "paid"),
        store.end_calls_of(payment.id, CallKind.CLOSE, CallState.REFUSED, "paid"),
    ])  # fmt: skip
    logger.warning("surplus payment", order_number=order.order_number, amount_fen=said.amount_fen)
    count("SurplusPayments")
    raise_exception(tx, ExceptionKind.SURPLUS, number, amount_fen=said.amount_fen, order_number=order.order_number)


def _receipt(
    payment: PaymentRow, said: rules.PaidFacts, at: datetime | None, source: Source, *, effective: bool
) -> dict[str, object]:
    return {
        "id": new_id(), "payment_id": payment.id, "transaction_id": said.transaction_id,
        "amount_fen": said.amount_fen, "effective": 1 if effective else None, "source": source,
        "succeeded_at": to_database((at or utc_now()).astimezone(UTC)),
    }  # fmt: skip
