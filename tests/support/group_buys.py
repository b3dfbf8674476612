"""Group-buy activities in tests, and what members do with them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from infra.demo.drills import let_group_time_pass
from orchard.core import clock
from orchard.group_buy.schemas import ActivityDraft
from orchard.group_buy.service import activities
from orchard.runtime.database import Row
from tests.support import shop as shopping
from tests.support.calls import Answer, call
from tests.support.shop import Goods
from tests.support.till import Buyer, Till

SELLING_FEN = 2000
PRICE_FEN = 1500


def draft(goods: Goods, **fields: Any) -> ActivityDraft:
    """Two members, 15 yuan instead of 20, a day to fill; `fields` change it."""
    now = clock.utc_now()
    sku = {"sku_id": str(goods.sku_id), "price_fen": PRICE_FEN, "quota": 1000}
    plain: dict[str, Any] = {
        "name": "两人团", "size": 2, "hours": 24, "per_order_limit": 2, "per_member_limit": 4,
        "starts_at": now - timedelta(hours=1), "ends_at": now + timedelta(days=7), "skus": [sku],
    }  # fmt: skip
    return ActivityDraft(**{**plain, **fields})


@dataclass
class GroupBuys:
    """Group-buy in a shop that takes money."""

    till: Till

    def __post_init__(self) -> None:
        self.goods = self.till.shop.sell(price_fen=SELLING_FEN, stock=1000)
        self.store_id = str(self.till.shop.open_store())

    def offer(self, *, quota: int = 1000, **fields: Any) -> int:
        """Define and publish an activity; its id."""
        skus = [{"sku_id": str(self.goods.sku_id), "price_fen": PRICE_FEN, "quota": quota}]
        wanted = draft(self.goods, **{"skus": skus, **fields})
        activity_id = self.till.db.run(lambda tx: activities.define_activity(tx, wanted)).activity_id
        self.till.db.run(lambda tx: activities.publish_activity(tx, activity_id))
        return activity_id

    def body(self, activity_id: int, group_id: int | None = None, quantity: int = 1, **more: Any) -> dict[str, Any]:
        """A quote's body that opens or joins a group."""
        choice = {"activity_id": str(activity_id), **({"group_id": str(group_id)} if group_id else {})}
        wish = shopping.wish(self.goods, quantity, method="pickup", store_id=self.store_id)
        return {**wish, "group_buy": choice, **more}

    def place(self, buyer: Buyer, activity_id: int, group_id: int | None = None, **more: Any) -> Answer:
        """Quote and place."""
        return shopping.place(buyer.token, self.body(activity_id, group_id, **more))

    def order(self, buyer: Buyer, activity_id: int, group_id: int | None = None, **more: Any) -> str:
        """An order that can be placed; its number."""
        answer = self.place(buyer, activity_id, group_id, **more)
        assert answer.status == 201, answer.text
        return str(answer.json["order_number"])

    def paid(self, activity_id: int, group_id: int | None = None, buyer: Buyer | None = None) -> str:
        """An order of a new member, paid and told of; its number."""
        buyer = buyer or self.till.buyer()
        number = self.order(buyer, activity_id, group_id)
        self.pay(buyer, number)
        return number

    def pay(self, buyer: Buyer, number: str) -> None:
        """Pay, and let WeChat tell of it."""
        self.till.take_money(buyer, number)
        self.till.sandbox.deliver_notifications()

    def pay_late(self, buyer: Buyer, number: str, meanwhile: Callable[[], object]) -> None:
        """Open the sheet in time, let things happen, and pay with it afterwards."""
        sheet = self.till.sheet(buyer, number)
        meanwhile()
        assert self.till.sandbox.confirm_payment(sheet)["errMsg"] == "requestPayment:ok"
        self.till.sandbox.deliver_notifications()

    def opened(self, activity_id: int) -> tuple[int, str]:
        """A group whose leader has paid: its id, and the leader's order."""
        number = self.paid(activity_id)
        return self.group_of(number), number

    def group_of(self, number: str) -> int:
        """The group that an order has its seat in."""
        return int(self.seat(number)["group_id"])

    def seat(self, number: str) -> Row:
        """The seat that the order points at."""
        sql = "SELECT m.* FROM group_buy_member m JOIN orders o ON o.id = m.order_id WHERE o.order_number = %s"
        return self.till.rows(sql, number)[0]

    def group(self, group_id: int) -> Row:
        """A group's row."""
        return self.till.rows("SELECT * FROM group_buy_group WHERE id = %s", group_id)[0]

    def state(self, group_id: int) -> str:
        """A group's state."""
        return str(self.group(group_id)["state"])

    def taken(self, activity_id: int) -> int:
        """What is taken of the activity's quota."""
        return int(self.till.rows("SELECT taken FROM group_buy_sku WHERE activity_id = %s", activity_id)[0]["taken"])

    def let_pass(self, group_id: int, hours: int = 25) -> None:
        """Let time pass for a group and all its seats, by the database's clock."""
        let_group_time_pass(self.till.db, group_id, hours)

    def lapse(self, number: str) -> None:
        """Let a seat's time to pay be over, though nobody has closed its order yet."""
        self.till.change(
            "UPDATE group_buy_member SET seat_until = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND WHERE order_number = %s",
            number,
        )

    def settle(self) -> dict[str, int]:
        """Run the sweep."""
        return self.till.fire("group_buy/settle_group_buys")

    def refund(self) -> None:
        """Send what is to be refunded, and hear of it."""
        self.till.send_refunds()
        self.till.sandbox.deliver_notifications()
        self.till.sweep()


def show(group_id: int | str) -> Answer:
    """GET /groups/{group_id}, by nobody in particular."""
    return call("group_buy/show_group", "GET", f"/groups/{group_id}")


def show_activity(activity_id: int | str) -> Answer:
    """GET /group-buys/{activity_id}."""
    return call("group_buy/show_group_buy", "GET", f"/group-buys/{activity_id}")


def mine(token: str, **query: Any) -> Answer:
    """GET /my-groups."""
    return call("group_buy/list_my_groups", "GET", "/my-groups", token=token, query=query)
