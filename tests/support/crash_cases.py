"""Which course of business leads up to which crash point. A point that is missing here fails the bundle's own test."""

from collections.abc import Callable

from tests.support import lives
from tests.support.caller import Arm
from tests.support.scenario import RunningShop

CASES: dict[str, Callable[[RunningShop, Arm], None]] = {
    "api.committed": lives.bought_and_refunded,
    "api.work_done": lives.bought_and_refunded,
    "ask_wechat.heard_of_money": lives.unheard,
    "ask_wechat.query_claimed": lives.unheard,
    "bind_phone.number_told": lives.phone_bound,
    "close_order.called": lives.cancelled,
    "close_order.decided_at_wechat": lives.cancelled,
    "close_order.found_unpaid": lives.cancelled,
    "close_order.intent_committed": lives.cancelled,
    "close_order.released": lives.cancelled,
    "finish_open_intents.call_claimed": lives.left_unknown,
    "finish_open_intents.prepay_decided": lives.left_unknown,
    "group_refunds.asked": lives.group_failed,
    "idempotency.key_taken": lives.bought_and_refunded,
    "jobs.item_done": lives.unheard,
    "log_in.code_traded": lives.logged_in,
    "notifications.payment_booked": lives.bought_and_refunded,
    "notifications.payment_stored": lives.bought_and_refunded,
    "notifications.refund_booked": lives.bought_and_refunded,
    "notifications.refund_stored": lives.bought_and_refunded,
    "pay_order.called": lives.bought_and_refunded,
    "pay_order.failure_committed": lives.left_unknown,
    "pay_order.intent_committed": lives.bought_and_refunded,
    "pay_order.outcome_committed": lives.bought_and_refunded,
    "payment_succeeded.receipt_written": lives.bought_and_refunded,
    "queues.acted": lives.bought_and_refunded,
    "queues.consumed": lives.bought_and_refunded,
    "redeem_coupon_code.try_counted": lives.code_redeemed,
    "relay.batch_sent": lives.bought_and_refunded,
    "relay.marked": lives.bought_and_refunded,
    "relay.sent": lives.bought_and_refunded,
    "send_refunds.booked": lives.bought_and_refunded,
    "send_refunds.claimed": lives.bought_and_refunded,
    "send_refunds.sent": lives.bought_and_refunded,
    "settle_group_buys.group_ended": lives.group_failed,
}
# Reached by migrations alone, on a database of their own.
MIGRATION_POINTS = frozenset({"migrations.file_recorded", "migrations.statement_applied"})
