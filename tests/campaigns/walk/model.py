"""What a walk believes of the shop: a few shoppers, products, coupons, groups and orders, in plain Python."""

from dataclasses import dataclass, field
from typing import Any

from tests.support.scenario import Shopper
from tests.support.shop import Goods

# Paid with money that the shop keeps, and paid with money that goes or went back.
KEPT = {"TO_SHIP", "GROUPING"}
RETURNED = {"REFUNDING", "REFUNDED"}


@dataclass
class Product:
    """Goods at a price; `stock` units were there at the beginning."""

    goods: Goods
    price_fen: int
    stock: int


@dataclass
class Member:
    """A shopper with what the shop must remember of them: units by SKU in the cart, addresses by id."""

    shopper: Shopper
    cart: dict[int, int] = field(default_factory=dict)
    addresses: set[str] = field(default_factory=set)
    nickname: str = ""

    @property
    def phone(self) -> Any:
        """Their phone."""
        return self.shopper.phone


@dataclass
class Coupon:
    """A coupon that takes `amount_fen` off from `threshold_fen` on."""

    coupon_id: str
    owner: Member
    amount_fen: int
    threshold_fen: int
    state: str = "AVAILABLE"
    ended: bool = False


@dataclass
class Group:
    """A group for two of one activity. `over`: its time has passed, though nobody may have said so yet."""

    group_id: str
    leader: "Order"
    state: str = "PENDING"
    over: bool = False
    orders: list["Order"] = field(default_factory=list)


@dataclass
class Order:
    """An order. `money`: the platform took it; `sheet`: what wx.requestPayment gets; `expired`: the time is over.

    `unsure`: a prepay may still be on its way to the platform. `closing`: a sweep fulfils the wish to close it.
    """

    number: str
    owner: Member
    units: dict[int, int]
    payable_fen: int
    key: str
    body: dict[str, Any]
    state: str = "PENDING_PAY"
    sheet: dict[str, Any] | None = None
    money: bool = False
    expired: bool = False
    unsure: bool = False
    closing: bool = False
    coupon: Coupon | None = None
    group: Group | None = None

    @property
    def open(self) -> bool:
        """It still waits for its money."""
        return self.state == "PENDING_PAY"


@dataclass
class World:
    """Everything that one walk made."""

    products: list[Product]
    members: list[Member] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    coupons: list[Coupon] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)

    def free(self, product: Product) -> tuple[int, int]:
        """The fewest and the most units that may be free; they differ while money is on its way back."""
        held = {"certain": 0, "maybe": 0}
        for order in self.orders:
            units = order.units.get(product.goods.sku_id, 0)
            if order.open or order.state in KEPT:
                held["certain"] += units
            elif order.state == "REFUNDING":
                held["maybe"] += units
        most = product.stock - held["certain"]
        return most - held["maybe"], most

    def closed(self, order: Order) -> None:
        """The order ended unpaid: everything it held is free again."""
        order.state = "CLOSED"
        if order.coupon:
            order.coupon.state = "EXPIRED" if order.coupon.ended else "AVAILABLE"
        if order.group and order.group.leader is order:
            order.group.state = "CANCELLED"

    def paid(self, order: Order) -> None:
        """The shop knows of the money. What a group makes of it is asked where it cannot be foretold."""
        if order.coupon:
            order.coupon.state = "USED"
        group = order.group
        if group is None:
            order.state = "TO_SHIP"
            return
        order.state = "GROUPING"
        group.state = "OPEN" if order is group.leader else group.state
        if [member.state for member in group.orders].count("GROUPING") == 2:
            group.state = "SUCCESS"
            for member in group.orders:
                member.state = "TO_SHIP" if member.state == "GROUPING" else member.state

    def failed(self, group: Group) -> None:
        """The group's time was over before it was full: whoever paid gets the money back."""
        group.state = "FAILED"
        for order in group.orders:
            order.state = "REFUNDING" if order.state == "GROUPING" else order.state
