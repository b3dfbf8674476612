"""Steps in which time passes: jobs, queues, deadlines. None of them may surprise the model."""

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from tests.campaigns.walk.base import Walk, picks

_JOBS = (
    "close_unpaid_orders", "sync_payments", "finish_open_intents", "expire_coupons", "settle_group_buys",
    "purge_expired_rows", "check_invariants",
)  # fmt: skip


class Passing(Walk):
    """Time, by the database's clock."""

    steps: int = 0

    @rule(job=st.sampled_from(_JOBS))
    def fire(self, job: str) -> None:
        """A job at any moment does only what is due."""
        self.field.fire(job)
        for order in self.world.orders[-2:]:
            self.compare(order)

    @rule()
    def relay(self) -> None:
        """Events reach their workers: sales, flags, newcomers' coupons, refunds."""
        self.field.relay()
        self.field.wechat.deliver_notifications()
        for order in self.world.orders:
            self.compare(order)

    @precondition(lambda self: self.some_order(0, state="PENDING_PAY") is not None)
    @rule(pick=picks)
    def expire(self, pick: int) -> None:
        """An order whose time is over closes with the sweep, unless the money was there first."""
        order = self.some_order(pick, state="PENDING_PAY")
        assert order is not None
        self.field.expire(order.number)
        order.expired = True
        counts = self.field.fire("close_unpaid_orders")
        if order.unsure and self.state(order) == "PENDING_PAY":
            order.closing = True
        elif order.money:
            self.learn_paid(order)
        else:
            self.world.closed(order)
        self.compare(order)
        assert counts, "something was due"

    @precondition(lambda self: self.some_order(0, state="PENDING_PAY", money=True) is not None)
    @rule(pick=picks)
    def climb_the_ladder(self, pick: int) -> None:
        """No notification came, and the shop asks by itself."""
        order = self.some_order(pick, state="PENDING_PAY", money=True)
        assert order is not None
        self.field.let_pass(7200, order.number)
        self.field.fire("sync_payments")
        if order.open:
            self.learn_paid(order)

    @invariant()
    def books_hold(self) -> None:
        """What must hold at all times holds, looked at every few steps."""
        self.steps += 1
        if self.steps % 10 == 0 and hasattr(self, "world"):
            self.field.check()
            self.compare_stock()
