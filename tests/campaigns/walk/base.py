"""The walk's foundation: what stands at its beginning, what is checked after steps, and how it ends."""

from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from tests.campaigns.field import Field
from tests.campaigns.walk.model import KEPT, RETURNED, Member, Order, Product, World
from tests.support import books

MEMBERS = 3
# Small stocks sell out within a walk; the last product is never short.
SHELF = ((1000, 4), (2500, 3), (399, 1000))
picks = st.integers(0, 11)


class Walk(RuleBasedStateMachine):
    """Begins with a shelf and three members in a shop that other walks have used before."""

    field: ClassVar[Field]
    world: World

    @initialize()
    def open_shop(self) -> None:
        """Put goods on the shelf and let three members log in."""
        records = [{"price_fen": price, "stock": stock} for price, stock in SHELF]
        goods = self.field.shelf.sell_many(records)
        shelf = zip(goods, SHELF, strict=True)
        self.world = World([Product(one, price, stock) for one, (price, stock) in shelf])
        self.world.members = [Member(self.field.shopper()) for _ in range(MEMBERS)]
        self.store_id = str(self.field.shelf.open_store())

    def member(self, pick: int) -> Member:
        """One of the members."""
        return self.world.members[pick % MEMBERS]

    def stranger(self, owner: Member) -> Member:
        """Somebody else."""
        return next(member for member in self.world.members if member is not owner)

    def product(self, pick: int) -> Product:
        """One of the products."""
        return self.world.products[pick % len(self.world.products)]

    def order(self, pick: int) -> Order:
        """One of the orders, the newest under 0."""
        return self.world.orders[-1 - pick % len(self.world.orders)]

    def some_order(self, pick: int, **wanted: Any) -> Order | None:
        """An order with these attributes, if there is one."""
        fitting = [
            order for order in self.world.orders if all(getattr(order, name) == value for name, value in wanted.items())
        ]
        return fitting[pick % len(fitting)] if fitting else None

    def pickup(self, product: Product, quantity: int) -> dict[str, Any]:
        """A quote's body."""
        line = {"sku_id": str(product.goods.sku_id), "quantity": quantity}
        return {"lines": [line], "delivery": {"method": "pickup", "store_id": self.store_id}}

    def state(self, order: Order) -> str:
        """The order's state as its owner is told."""
        return order.owner.shopper.state(order.number)

    def learn_paid(self, order: Order) -> None:
        """The shop was told of the money: what must be true now. Late money for a group goes back or elsewhere."""
        group = order.group
        if group and order is not group.leader and (group.state != "OPEN" or group.over):
            order.state = self.state(order)
            assert order.state in KEPT | RETURNED
            if order.coupon:
                order.coupon.state = "USED"
            order.group = None
            return
        self.world.paid(order)
        self.compare(order)

    def compare(self, order: Order) -> None:
        """The order stands where the model says; late money may have come by itself since."""
        told = self.state(order)
        if order.open and order.money and told != "PENDING_PAY":
            self.learn_paid(order)
        elif order.open and order.closing and told == "CLOSED":
            self.world.closed(order)
        elif order.state == "REFUNDING" and told == "REFUNDED":
            order.state = told
        else:
            assert told == order.state, (order.number, told, order.state)

    def learn_closed(self) -> None:
        """Whatever a sweep may have closed meanwhile."""
        for order in self.world.orders:
            if order.open and order.closing:
                self.compare(order)

    def compare_stock(self) -> None:
        """What is free is what the model says."""
        self.learn_closed()
        for product in self.world.products:
            fewest, most = self.world.free(product)
            free = self.field.shelf.available(product.goods)
            assert fewest <= free <= most, (product.goods.name, free, fewest, most)

    def compare_coupons(self) -> None:
        """Every member's wallet holds what the model says."""
        self.learn_closed()
        for member in self.world.members:
            mine = {coupon.coupon_id: coupon.state for coupon in self.world.coupons if coupon.owner is member}
            if not mine:
                continue
            told = {
                coupon["coupon_id"]: coupon["state"]
                for state in set(mine.values())
                for coupon in member.phone.call("GET", "/coupons", query={"state": state})["coupons"]
            }
            assert {coupon_id: told.get(coupon_id) for coupon_id in mine} == mine

    def teardown(self) -> None:
        """Heal, let the money be heard of, sweep twice; then the model, the invariants and both books must agree."""
        if not hasattr(self, "world"):
            return
        self._hear_of_everything()
        self.field.settle()
        for order in self.world.orders:
            self.compare(order)
        self.compare_stock()
        self.compare_coupons()
        books.assert_sound(self.field.db, settled=True)
        books.assert_agree(self.field.db, self.field.wechat.ledger())
        self.field.note()

    def _hear_of_everything(self) -> None:
        """Until every payment was asked about: faults are gone, the ladder's rungs are due."""
        self.field.wechat.behave()
        for order in self.world.orders:
            if order.open and order.sheet:
                order.owner.phone.call("POST", f"/orders/{order.number}/confirm-payment")
                self.compare(order)
                assert not (order.open and order.money)
