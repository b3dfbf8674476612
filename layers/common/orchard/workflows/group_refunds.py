"""The money of a seat that came to nothing: one refund per order, asked for once, under a key of its own."""

from orchard.group_buy.service import settling
from orchard.orders import service as orders
from orchard.orders.models import OrderRow, OrderState
from orchard.payments import service as payments
from orchard.payments.models import RefundState
from orchard.runtime import crash_points
from orchard.runtime.database import Tx

KEY = "group_buy"
_REASON = "拼团未成功，自动退款"


def ask(tx: Tx, order: OrderRow) -> None:
    """Ask for everything back of an order that is REFUNDING. The caller holds the order's lock; repeating is harmless.

    Raises what `payments.request_refund` raises.
    """
    refund = payments.request_refund(tx, order, reason=_REASON, key=KEY)
    tx.execute(settling.refund_asked(order.id))
    crash_points.reached("group_refunds.asked")
    if refund.state is RefundState.SUCCESS:
        # It cost nothing, so there is nothing to wait for.
        orders.record_refunded(tx, orders.lock_order_by_id(tx, order.id))


def refund_seat(tx: Tx, order_number: str) -> str:
    """Send a paid order back whose group failed; `asked`, or `over` when that was done or overtaken."""
    order = orders.locked_order(tx, order_number)
    if order is None or not settling.must_go_back(tx, order.id):
        return "over"
    if order.state is OrderState.GROUPING:
        orders.begin_refund(tx, order, "group_failed")
        order = orders.lock_order_by_id(tx, order.id)
    if order.state is not OrderState.REFUNDING:
        return "over"
    ask(tx, order)
    return "asked"
