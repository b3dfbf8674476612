"""What a payment, a call, a receipt and a refund are; their states and the only ways between them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from orchard.core.errors import Conflict, InvalidInput, Unavailable


class PaymentState(StrEnum):
    """States as stored; see the migration for what each means."""

    CREATED = "CREATED"
    UNKNOWN = "UNKNOWN"
    PREPAID = "PREPAID"
    SUCCESS = "SUCCESS"
    CLOSED = "CLOSED"


class CallKind(StrEnum):
    """Calls that change something at WeChat Pay and are no refunds."""

    PREPAY = "PREPAY"
    CLOSE = "CLOSE"


class CallState(StrEnum):
    """How a call stands: OPEN and UNKNOWN wait for a query, the others are over."""

    OPEN = "OPEN"
    UNKNOWN = "UNKNOWN"
    DONE = "DONE"
    NOT_DONE = "NOT_DONE"
    REFUSED = "REFUSED"


class RefundState(StrEnum):
    """States as stored. CLOSED and ABNORMAL free the amount; an abnormal refund may still succeed."""

    CREATED = "CREATED"
    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    CLOSED = "CLOSED"
    ABNORMAL = "ABNORMAL"


class RefundKind(StrEnum):
    """Who began a refund: the shop for an order's lines, surplus money by itself, or the merchant's console."""

    ORDER = "ORDER"
    SURPLUS = "SURPLUS"
    EXTERNAL = "EXTERNAL"


R = RefundState
REFUND_TRANSITIONS: dict[RefundState, frozenset[RefundState]] = {
    R.CREATED: frozenset({R.PROCESSING, R.SUCCESS, R.CLOSED, R.ABNORMAL}),
    R.PROCESSING: frozenset({R.SUCCESS, R.CLOSED, R.ABNORMAL}),
    R.ABNORMAL: frozenset({R.PROCESSING, R.SUCCESS, R.CLOSED}),
    R.SUCCESS: frozenset(),
    R.CLOSED: frozenset(),
}
# Amounts in these states count against what was paid.
HOLDING = (RefundState.CREATED, RefundState.PROCESSING, RefundState.SUCCESS)


class ExceptionKind(StrEnum):
    """Why an operator is called."""

    UNKNOWN_ORDER = "UNKNOWN_ORDER"
    FOREIGN_MERCHANT = "FOREIGN_MERCHANT"
    WRONG_AMOUNT = "WRONG_AMOUNT"
    WRONG_CURRENCY = "WRONG_CURRENCY"
    WRONG_PAYER = "WRONG_PAYER"
    SURPLUS = "SURPLUS"
    STUCK_CALL = "STUCK_CALL"
    REFUND_UNKNOWN = "REFUND_UNKNOWN"
    REFUND_MISMATCH = "REFUND_MISMATCH"
    REFUND_NOT_ENOUGH = "REFUND_NOT_ENOUGH"
    REFUND_CLOSED = "REFUND_CLOSED"
    REFUND_ABNORMAL = "REFUND_ABNORMAL"
    REFUND_REFUSED = "REFUND_REFUSED"
    REFUND_STUCK = "REFUND_STUCK"


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """An order's payment. `prepay_lives` and `closing` were decided by database time when the row was read."""

    id: int
    order_id: int
    order_number: str
    amount_fen: int
    state: PaymentState
    prepay_body: bytes | None
    prepay_id: str | None
    prepay_lives: bool
    closing: bool
    query_attempt: int


@dataclass(frozen=True, slots=True)
class CallRow:
    """A call to WeChat Pay. `recent`: it may still arrive there; `stuck`: nobody could decide it for a day."""

    id: int
    payment_id: int
    order_number: str
    kind: CallKind
    state: CallState
    tries: int
    recent: bool
    stuck: bool

    @property
    def in_flight(self) -> bool:
        """Its caller may still be waiting for the answer."""
        return self.state is CallState.OPEN and self.recent


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """Money that arrived. `refundable`: less than a year ago, by database time."""

    id: int
    payment_id: int
    transaction_id: str
    amount_fen: int
    effective: bool
    refundable: bool


@dataclass(frozen=True, slots=True)
class RefundRow:
    """A refund. `total_fen` is the receipt's amount; `by_transaction` where the number alone would be ambiguous."""

    id: int
    payment_id: int
    receipt_id: int | None
    order_id: int
    order_number: str
    out_refund_no: str
    kind: RefundKind
    amount_fen: int
    reason: str
    state: RefundState
    tries: int
    problem: str
    notify_url: str | None
    total_fen: int
    transaction_id: str | None
    effective: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RefundUnits:
    """Units of one order line to give back."""

    order_line_id: int
    units: int


class OrderAlreadyPaid(Conflict):
    """The order was paid before; there is nothing to pay or to cancel."""

    code = "order_already_paid"
    message = "订单已支付，请刷新后查看"


class OrderNotPayable(Conflict):
    """The order is closed, being closed, or its time to pay is over."""

    code = "order_not_payable"
    message = "订单已关闭或已超过支付时间，请重新下单"


class PaymentInProgress(Unavailable):
    """Another request is speaking to WeChat Pay about this order; ask again in a moment."""

    code = "payment_in_progress"
    message = "支付处理中，请稍后再试"


class MismatchedNotification(InvalidInput):
    """A well-signed notification that does not fit our books. Nothing was moved; an operator is called."""

    code = "notification_refused"
    status = 400
    message = "通知内容与订单不符"


class NotRefundable(Conflict):
    """There is no payment to give back from."""

    code = "not_refundable"
    message = "订单没有可退的款项"


class RefundExceedsPaid(Conflict):
    """More than what was paid and is not yet given back, in money or in units."""

    code = "refund_exceeds_paid"
    message = "退款超过可退数量或金额"


class TooManyRefunds(Conflict):
    """WeChat Pay takes at most 50 refunds of one payment; give the rest back by hand."""

    code = "too_many_refunds"
    message = "该订单退款次数已达上限，请联系客服人工处理"


class RefundTooOld(Conflict):
    """WeChat Pay refunds within one year of the payment; give it back by hand."""

    code = "refund_too_old"
    message = "支付已超过一年，请联系客服人工退款"


class RefundKeyReused(Conflict):
    """The key of a refund request was used before for another refund."""

    code = "refund_key_reused"
    message = "请勿重复使用同一退款编号"
