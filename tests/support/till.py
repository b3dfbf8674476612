"""Buying and paying in tests: a shopper whom the sandbox knows, an order, and a look into the books."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from infra.local.wechat_sandbox.client import SandboxClient
from orchard.members import service as members
from orchard.payments.models import RefundRow, RefundUnits
from orchard.runtime import sessions
from orchard.runtime.database import Connection, Row, Statement
from orchard.runtime.sessions import MemberSession
from orchard.workflows.refund_settled import refund_order
from tests.support import shop as shopping
from tests.support.calls import Answer, call, invoke
from tests.support.shop import Goods, Shop

PRICE_FEN = 1990
FREIGHT_FEN = 700


@dataclass(frozen=True)
class Buyer:
    """A logged-in member with a WeChat account in the sandbox."""

    member_id: int
    token: str
    openid: str

    @property
    def session(self) -> MemberSession:
        """The session as a workflow gets it."""
        return MemberSession(member_id=self.member_id, session_id=0)


class Till:
    """One shop, one sandbox, and everything between the order and the receipt."""

    def __init__(self, db: Connection, shop: Shop, sandbox: SandboxClient) -> None:
        self.db, self.shop, self.sandbox = db, shop, sandbox

    def buyer(self) -> Buyer:
        """A new member, known to the sandbox."""
        openid = f"o{secrets.token_hex(13)}"
        self.sandbox.create_shopper(openid=openid)
        member_id = self.db.run(lambda tx: members.join(tx, openid))
        return Buyer(member_id, self.db.run(lambda tx: sessions.open_session(tx, member_id)), openid)

    def order(self, buyer: Buyer, quantity: int = 2, goods: Goods | None = None, *, freight: bool = False) -> str:
        """Place an order, picked up in a store or, with `freight`, sent for FREIGHT_FEN; its number."""
        goods = goods or self.shop.sell(price_fen=PRICE_FEN)
        if freight:
            self.shop.charge_freight(FREIGHT_FEN)
            wish = shopping.wish(goods, quantity, method="express", address_id=shopping.add_address(buyer.token))
        else:
            wish = shopping.wish(goods, quantity, method="pickup", store_id=str(self.shop.open_store()))
        answer = shopping.place(buyer.token, wish)
        assert answer.status == 201, answer.text
        return str(answer.json["order_number"])

    def pay(self, buyer: Buyer, order_number: str) -> Answer:
        """POST .../pay."""
        return call("payments/pay_order", "POST", f"/orders/{order_number}/pay", token=buyer.token, key=None)

    def sheet(self, buyer: Buyer, order_number: str) -> dict[str, Any]:
        """The parameters of wx.requestPayment."""
        answer = self.pay(buyer, order_number)
        assert answer.status == 200, answer.text
        parameters: dict[str, Any] = answer.json["parameters"]
        return parameters

    def confirm(self, buyer: Buyer, order_number: str, body: Any = None) -> Answer:
        """POST .../confirm-payment."""
        path = f"/orders/{order_number}/confirm-payment"
        return call("payments/confirm_payment", "POST", path, token=buyer.token, key=None, body=body)

    def cancel(self, buyer: Buyer, order_number: str) -> Answer:
        """POST .../cancel."""
        return call("orders/cancel_order", "POST", f"/orders/{order_number}/cancel", token=buyer.token, key=None)

    def take_money(self, buyer: Buyer, order_number: str) -> None:
        """The shopper pays in WeChat; nothing is delivered yet."""
        assert self.sandbox.confirm_payment(self.sheet(buyer, order_number))["errMsg"] == "requestPayment:ok"

    def paid_order(self, quantity: int = 2, *, freight: bool = False) -> tuple[Buyer, str]:
        """An order that was paid and told of."""
        buyer = self.buyer()
        number = self.order(buyer, quantity, freight=freight)
        self.take_money(buyer, number)
        self.sandbox.deliver_notifications()
        assert self.state(number) == "TO_SHIP"
        return buyer, number

    def expire(self, order_number: str) -> None:
        """Let the order's time to pay be over by the database's clock."""
        sql = "UPDATE orders SET expires_at = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND WHERE order_number = %s"
        self.change(sql, order_number)

    def change(self, sql: str, *params: Any) -> None:
        """Change rows by hand: time that passes, or a fault that is planted."""
        self.db.run(lambda tx: tx.execute(Statement(sql, params)))

    def rows(self, sql: str, *params: Any) -> list[Row]:
        """Look into the database."""
        return self.db.run(lambda tx: tx.rows(sql, params or None))

    def state(self, order_number: str) -> str:
        """The order's state."""
        return str(self.rows("SELECT state FROM orders WHERE order_number = %s", order_number)[0]["state"])

    def payment(self, order_number: str) -> Row:
        """The order's payment row."""
        return self.rows("SELECT * FROM payment WHERE order_number = %s", order_number)[0]

    def prepays(self) -> int:
        """How many prepay calls were begun."""
        return int(self.rows("SELECT COUNT(*) AS n FROM payment_call WHERE kind = 'PREPAY'")[0]["n"])

    def refunds(self, order_number: str) -> list[Row]:
        """The order's refunds, oldest first."""
        return self.rows("SELECT * FROM refund WHERE order_number = %s ORDER BY id", order_number)

    def alarms(self, *, only_open: bool = False) -> dict[str, int]:
        """Exceptions put before an operator: kind -> how often it came up."""
        where = " WHERE resolved_at IS NULL" if only_open else ""
        found = self.rows(f"SELECT kind, SUM(times) AS n FROM payment_exception{where} GROUP BY kind")
        return {row["kind"]: int(row["n"]) for row in found}

    def fire(self, job: str) -> dict[str, int]:
        """Run a job now."""
        counts: dict[str, int] = invoke(job, {})
        return counts

    def sweep(self) -> dict[str, int]:
        """Let the pauses of everything left open pass, then finish it."""
        older = "next_try_at = UTC_TIMESTAMP(6), started_at = started_at - INTERVAL 2 MINUTE"
        self.change(f"UPDATE payment_call SET {older} WHERE ended_at IS NULL")
        self.change("UPDATE refund SET next_try_at = UTC_TIMESTAMP(6) WHERE next_try_at IS NOT NULL")
        self.end_pauses()
        return self.fire("payments/finish_open_intents")

    def end_pauses(self) -> None:
        """Let the pauses pass that sweeps gave to what they could not finish."""
        self.change("UPDATE retry_pause SET next_try_at = UTC_TIMESTAMP(6)")

    def units(self, order_number: str, units: int = 1) -> list[RefundUnits]:
        """So many units of the order's first line, to be given back."""
        sql = "SELECT l.id FROM order_line l JOIN orders o ON o.id = l.order_id WHERE o.order_number = %s"
        return [RefundUnits(self.rows(sql, order_number)[0]["id"], units)]

    def refund(self, order_number: str, key: str = "case-1", lines: Sequence[RefundUnits] | None = None) -> RefundRow:
        """Ask for a refund of these lines, of everything without them."""
        return refund_order(self.db, order_number, reason="测试退款", key=key, lines=lines)

    def send_refunds(self) -> dict[str, Any]:
        """Hand every refund.requested event of the outbox to the worker, as its queue would."""
        sql = "SELECT id, topic, subject, payload FROM outbox WHERE topic = 'refund.requested' ORDER BY id"
        body = '{{"id": "{id}", "topic": "{topic}", "subject": "{subject}", "payload": {payload}}}'
        records = [{"messageId": str(row["id"]), "body": body.format(**row)} for row in self.rows(sql)]
        answer: dict[str, Any] = invoke("payments/send_refunds", {"Records": records})
        return answer
