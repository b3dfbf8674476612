"""Answers about orders that were placed."""

from orchard.core.schemas import Fen, Id, RegionCode, Schema, UtcTime
from orchard.group_buy.models import GroupState, SeatState
from orchard.orders.models import OrderState
from orchard.pricing.models import DeliveryMethod

# Handlers import the states from here.
__all__ = ["OrderDetail", "OrderPage", "OrderState"]


class OrderSummary(Schema):
    """One order in the list."""

    order_number: str
    state: OrderState
    payable_fen: Fen
    line_count: int
    created_at: UtcTime
    expires_at: UtcTime
    first_product_name: str
    first_picture_url: str


class OrderPage(Schema):
    """A page of orders, newest first, and the cursor of the next one."""

    orders: list[OrderSummary]
    next_cursor: str | None


class OrderLine(Schema):
    """A line as it was bought."""

    sku_id: Id
    product_id: Id
    product_name: str
    sku_name: str
    picture_url: str
    quantity: int
    unit_list_price_fen: Fen
    unit_price_fen: Fen
    gross_fen: Fen
    discount_fen: Fen
    freight_fen: Fen
    payable_fen: Fen


class OrderStep(Schema):
    """One step of the order's history."""

    from_state: OrderState | None
    to_state: OrderState
    actor: str
    reason: str
    at: UtcTime


class DeliveryAddress(Schema):
    """Where the order goes, as it was when the order was placed; shown to its owner only."""

    recipient: str
    phone: str
    region_code: RegionCode
    province: str
    city: str
    district: str
    detail: str


class OrderGroup(Schema):
    """The group that the order has its seat in; `expires_at` is None until the leader has paid."""

    group_id: Id
    activity_id: Id
    state: GroupState
    seat_state: SeatState
    size: int
    seats_left: int
    seconds_left: int
    expires_at: UtcTime | None


class OrderDetail(Schema):
    """One order, whole."""

    order_number: str
    state: OrderState
    delivery_method: DeliveryMethod
    store_id: Id | None
    address: DeliveryAddress | None
    remark: str
    goods_fen: Fen
    discount_fen: Fen
    freight_fen: Fen
    payable_fen: Fen
    created_at: UtcTime
    expires_at: UtcTime
    paid_at: UtcTime | None
    closed_at: UtcTime | None
    close_reason: str | None
    lines: list[OrderLine]
    history: list[OrderStep]
    trace: list[dict[str, object]]
    # Only for an order of a group-buy.
    group: OrderGroup | None = None
