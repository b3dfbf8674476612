"""Steps in which money moves: sheets, payments, notifications good and bad, closing."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.campaigns.sometimes import sometimes
from tests.campaigns.walk.base import Walk, picks
from tests.campaigns.walk.model import Order
from tests.support.notices import Notice

_PAY_FAULTS = ("reset_after", "error_after", "error_before", "rate_limited", "signature_corrupt", "body_tampered")
_FORGERIES = ("signature", "aged", "amount", "merchant", "stranger")


def _has_open(self: Walk) -> bool:
    return any(order.open for order in self.world.orders)


class Paying(Walk):
    """Every way that an order is paid, or is not."""

    @precondition(_has_open)
    @rule(pick=picks, fault=st.sampled_from([None, None, *_PAY_FAULTS]))
    def open_sheet(self, pick: int, fault: str | None) -> None:
        """The sheet opens, whatever became of an earlier try; a time-out is not a failure."""
        order = self.some_order(pick, state="PENDING_PAY")
        assert order is not None
        if fault:
            self.field.wechat.misbehave(fault, call="prepay")
        status, answer = order.owner.phone.attempt("POST", f"/orders/{order.number}/pay")
        self.field.wechat.behave(fault) if fault else None
        if status == 200:
            order.sheet, order.unsure = answer["parameters"] or order.sheet, False
        elif answer["code"] in {"order_not_payable", "order_already_paid", "group_seat_gone"}:
            assert order.expired or order.closing or order.money or order.group, answer
        else:
            assert fault or order.unsure, answer
            order.unsure = True
        self.compare(order)

    @precondition(lambda self: self.some_order(0, state="PENDING_PAY", money=False) is not None)
    @rule(pick=picks, told=st.sampled_from(["now", "lost", "doubled", "forged", "ack_lost", "tampered", "probe"]))
    def confirm_at_wechat(self, pick: int, told: str) -> None:
        """The shopper pays; the shop hears of it once, twice, not at all, or by a forgery."""
        order = self.some_order(pick, state="PENDING_PAY", money=False)
        if order is None or order.sheet is None:
            return
        if told != "now":
            self.field.wechat.misbehave(f"notice_{told}", call="payment_notice")
        said = order.owner.shopper.confirm(order.sheet)
        order.money = said == "requestPayment:ok"
        self.field.wechat.deliver_notifications()
        self.field.wechat.behave()
        sometimes(f"payment told: {told}")
        if not order.money:
            assert order.expired or order.closing, said
        elif told in {"now", "doubled", "ack_lost", "probe"}:
            self.learn_paid(order)
        else:
            self.compare(order)

    @precondition(_has_open)
    @rule(pick=picks, leave=st.booleans())
    def walk_away(self, pick: int, leave: bool) -> None:
        """Cancelled at the cashier: nothing happened."""
        order = self.some_order(pick, state="PENDING_PAY", money=False)
        if order and order.sheet:
            wechat = self.field.wechat
            (wechat.walk_away if leave else wechat.cancel_payment)(order.sheet)
            self.compare(order)

    @precondition(lambda self: self.some_order(0, state="PENDING_PAY", money=True) is not None)
    @rule(pick=picks, times=st.integers(1, 2))
    def tell_late(self, pick: int, times: int) -> None:
        """The notification comes at last, perhaps twice."""
        order = self.some_order(pick, state="PENDING_PAY", money=True)
        assert order is not None
        for _ in range(times):
            assert self.field.post(self._told(order)) == 200
        self.learn_paid(order)

    @precondition(lambda self: self.some_order(0, money=True) is not None)
    @rule(first=picks, second=picks)
    def tell_backwards(self, first: int, second: int) -> None:
        """Old notifications after new ones, of orders that may long be over, change nothing that was settled."""
        orders = [self.some_order(pick, money=True) for pick in (first, second)]
        for order in orders:
            assert order is not None
            was_open = order.open
            assert self.field.post(self._told(order)) == 200
            if was_open and order.open:
                self.learn_paid(order)
            self.compare(order)

    def _told(self, order: Order) -> Notice:
        return self.field.platform().told(self.field.wechat.ledger(), order.number)

    @precondition(_has_open)
    @rule(pick=picks, forgery=st.sampled_from(_FORGERIES))
    def forge(self, pick: int, forgery: str) -> None:
        """What is not the platform's word, or does not fit the order, pays nothing."""
        order = self.some_order(pick, state="PENDING_PAY")
        assert order is not None
        status = self._forged(order, forgery)
        sometimes(f"forgery: {forgery}")
        assert status in ({401} if forgery in {"signature", "aged"} else {200, 400, 404}), (forgery, status)
        self.compare(order)

    def _forged(self, order: Order, forgery: str) -> int:
        platform = self.field.platform()
        changes = {"merchant": {"mchid": "1900000001"}}.get(forgery, {})
        number = order.number[:-6] + "ZZZZZZ" if forgery == "stranger" else order.number
        total = order.payable_fen - (forgery == "amount")
        content = platform.payment(number, order.owner.shopper.openid, total, **changes)
        notice = platform.notice("transaction", content, age=900 if forgery == "aged" else 0)
        bad = {"Wechatpay-Signature": "AAAA"} if forgery == "signature" else {}
        return self.field.post(notice, **bad)

    @precondition(lambda self: self.world.orders)
    @rule(pick=picks)
    def come_back_from_payment(self, pick: int) -> None:
        """The client's word moves nothing: WeChat is asked."""
        order = self.order(pick)
        told = order.owner.phone.call("POST", f"/orders/{order.number}/confirm-payment")
        if order.open and order.money:
            self.learn_paid(order)
        assert told["paid"] == (order.state not in {"PENDING_PAY", "CLOSED"})

    @precondition(lambda self: self.world.orders)
    @rule(pick=picks)
    def cancel(self, pick: int) -> None:
        """Unpaid orders close, paid ones do not; closing again answers the same."""
        order = self.order(pick)
        status, answer = order.owner.phone.attempt("POST", f"/orders/{order.number}/cancel")
        if order.open and order.unsure and status == 503:
            assert answer["code"] in {"payment_in_progress", "counterparty_unknown"}
            order.closing = True
        elif order.open and not order.money:
            assert status == 200, answer
            self.world.closed(order)
        elif order.open:
            assert answer["code"] == "order_already_paid"
            self.learn_paid(order)
        else:
            assert (status == 200) == (order.state == "CLOSED"), answer
        self.compare(order)
        self.compare_stock()

    @precondition(lambda self: self.some_order(0, open=False) is not None)
    @rule(pick=picks)
    def pay_what_is_over(self, pick: int) -> None:
        """An order that is paid or closed opens no sheet."""
        order = self.some_order(pick, open=False)
        assert order is not None
        if order.payable_fen:
            code = "order_not_payable" if order.state == "CLOSED" else "order_already_paid"
            order.owner.phone.refused(code, "POST", f"/orders/{order.number}/pay")
        self.compare(order)
