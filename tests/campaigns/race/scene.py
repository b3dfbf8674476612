"""One shopper with one of everything that two calls may fight over; each thing is made when it is first asked for."""

from functools import cached_property
from typing import Any

from infra.demo.drills import let_group_time_pass
from orchard.coupons.service.codes import generate_codes
from orchard.runtime.database import Row
from orchard.workflows.refund_settled import refund_order
from tests.campaigns.field import Field
from tests.campaigns.race import stage
from tests.support import events
from tests.support.scenario import Shopper
from tests.support.shop import Goods

PRICE_FEN = 1500


class Scene:
    """Fresh for every race. `call` sends a request with the shopper's token."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self.shopper: Shopper = field.shopper()
        self.sheet: dict[str, Any] = {}

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        """One request; a phone of its own, so that threads share nothing."""
        return self.field.nobody(self.shopper.phone.token).attempt(method, path, body, **more)

    def job(self, name: str) -> tuple[int, Any]:
        """One run of a job, with the status of what went well."""
        return 200, self.field.fire(name)

    @cached_property
    def goods(self) -> Goods:
        """Three units."""
        return self.field.shelf.sell(price_fen=PRICE_FEN, stock=3)

    @cached_property
    def store_id(self) -> str:
        """A store for pickups."""
        return str(self.field.shelf.open_store())

    @cached_property
    def address_id(self) -> str:
        """An address."""
        return self.shopper.new_address()

    @cached_property
    def line_id(self) -> str:
        """A line in the cart."""
        body = {"sku_id": str(self.goods.sku_id), "quantity": 1}
        return str(self.shopper.phone.call("POST", "/cart/lines", body)["line_id"])

    @cached_property
    def template_id(self) -> str:
        """A template with two coupons."""
        return str(self.field.coupons.offer(amount_fen=300, quota=2))

    @cached_property
    def coupon_id(self) -> str:
        """A coupon that can be used."""
        body = {"template_id": self.template_id}
        return str(self.shopper.phone.call("POST", "/coupons/claims", body)["coupon_id"])

    @cached_property
    def code(self) -> str:
        """A code for a coupon."""
        template_id = self.field.coupons.offer(channel="CODE", quota=5)
        with self.field.as_function("redeem_coupon_code"):
            return self.field.db.run(lambda tx: generate_codes(tx, template_id, 1)).codes[0]

    @cached_property
    def draft(self) -> dict[str, Any]:
        """An order's body: one unit, with the coupon and an address, from the cart."""
        _ = self.line_id
        wish = self.shopper.wish((self.goods, 1), method="express", address_id=self.address_id)
        return self.shopper.agree(wish | {"coupon_id": self.coupon_id}, from_cart=True)

    @cached_property
    def plain_draft(self) -> dict[str, Any]:
        """An order's body: two of the three units, and nothing else that is scarce."""
        wish = self.shopper.wish((self.goods, 2), method="pickup", store_id=self.store_id)
        return self.shopper.agree(wish)

    @cached_property
    def newcomer_template(self) -> int:
        """A template of the newcomers' pack with one coupon."""
        return self.field.coupons.offer(channel="NEWCOMER", quota=1)

    @cached_property
    def joined_payload(self) -> dict[str, str]:
        """What the queue says of this member."""
        return {"member_id": str(self.shopper.phone.call("GET", "/profile")["member_id"])}

    @cached_property
    def number(self) -> str:
        """An unpaid order with a coupon, and a sheet opened for it."""
        number = str(self.shopper.phone.call("POST", "/orders", self.draft)["order_number"])
        self.sheet = self.shopper.sheet(number)
        return number

    @cached_property
    def expired_number(self) -> str:
        """The same order, its time over."""
        self.field.expire(self.number)
        return self.number

    @cached_property
    def activity_id(self) -> int:
        """An activity for two."""
        return stage.offer_activity(self.field, self.goods)

    @cached_property
    def group_draft(self) -> dict[str, Any]:
        """An order's body that opens a group."""
        wish = self.shopper.wish((self.goods, 1), method="pickup", store_id=self.store_id)
        return self.shopper.agree(wish | {"group_buy": {"activity_id": str(self.activity_id)}})

    @cached_property
    def group_number(self) -> str:
        """An order whose leader has paid: its group waits for one more, and its time is over."""
        number = str(self.shopper.phone.call("POST", "/orders", self.group_draft)["order_number"])
        self.shopper.pay(number)
        self.field.wechat.deliver_notifications()
        let_group_time_pass(self.field.db, int(self.group_id(number)), 25)
        return number

    def group_id(self, number: str) -> str:
        """The group of an order."""
        return str(self.shopper.phone.call("GET", f"/orders/{number}")["group"]["group_id"])

    @cached_property
    def paid_number(self) -> str:
        """A paid order."""
        return stage.paid_order(self.field, self.shopper, self.field.shelf.sell(price_fen=PRICE_FEN))

    @cached_property
    def refund(self) -> Row:
        """A refund of that order, asked for and not yet sent."""
        refund_id = refund_order(self.field.db, self.paid_number, reason="测试退款", key="race").id
        return self.field.rows("SELECT * FROM refund WHERE id = %s", refund_id)[0]

    @cached_property
    def sent_refund(self) -> Row:
        """That refund, accepted by the platform and not yet settled there."""
        self.field.wechat.misbehave("refund_outcome", call="refund", value="HOLD")
        stage.feed(self.field, "send_refunds", self.refund_message())
        return self.refund

    def refund_message(self) -> dict[str, Any]:
        """What its worker is told."""
        return events.message("refund.requested", {"refund_id": str(self.refund["id"])})
