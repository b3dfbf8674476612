"""What a merchant says of an activity, and what shoppers see of activities and groups."""

from typing import Annotated, Self

from pydantic import AwareDatetime, Field, model_validator

from orchard.core.schemas import Fen, Id, PlainText, Schema, UtcTime
from orchard.group_buy.models import ActivityState, GroupState, SeatState

# Handlers import the id from here.
__all__ = [
    "ActivityDetail",
    "ActivityDraft",
    "ActivityList",
    "ActivitySummary",
    "GroupDetail",
    "Id",
    "MyGroupPage",
]


class ActivitySku(Schema):
    """One SKU of an activity: its price, and how many units the activity may sell."""

    sku_id: Id
    price_fen: Annotated[int, Field(strict=True, ge=1, le=10**9)]
    quota: Annotated[int, Field(strict=True, ge=0, le=10**8)]


class ActivityDraft(Schema):
    """An activity as its merchant defines it. Groups keep the terms they were opened with.

    `hours` count from the leader's payment. `moves_payers`: whoever pays for a seat that is gone gets one in another
    open group, else the money back. `simulates`: empty seats count as taken when a group's time is over, and are
    shown as such.
    """

    name: Annotated[PlainText, Field(min_length=1, max_length=40)]
    size: Annotated[int, Field(strict=True, ge=2, le=50)]
    hours: Annotated[int, Field(strict=True, ge=1, le=720)] = 24
    per_order_limit: Annotated[int, Field(strict=True, ge=1, le=999)] = 1
    per_member_limit: Annotated[int, Field(strict=True, ge=1, le=9999)] = 1
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    moves_payers: bool = False
    simulates: bool = False
    returns_quota: bool = True
    skus: Annotated[list[ActivitySku], Field(min_length=1, max_length=50)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.starts_at >= self.ends_at:
            raise ValueError("an activity ends after its start")
        if self.per_order_limit > self.per_member_limit:
            raise ValueError("an order may not hold more than its member may buy")
        if len({sku.sku_id for sku in self.skus}) != len(self.skus):
            raise ValueError("a SKU stands in the activity twice")
        return self


class ActivitySummary(Schema):
    """An activity as its merchant sees it in a list or after a change."""

    activity_id: Id
    name: str
    version: int
    state: ActivityState


class OfferedSku(Schema):
    """One SKU at the activity's price; `left` is what the activity may still sell."""

    sku_id: Id
    product_id: Id
    product_name: str
    sku_name: str
    picture_url: str
    price_fen: Fen
    selling_price_fen: Fen
    left: int


class Activity(Schema):
    """An activity on offer. `simulates` says whether empty seats may be counted as taken when the time is over."""

    activity_id: Id
    name: str
    size: int
    hours: int
    per_order_limit: int
    per_member_limit: int
    starts_at: UtcTime
    ends_at: UtcTime
    started: bool
    simulates: bool
    skus: list[OfferedSku]


class ActivityList(Schema):
    """Activities that run or will, what ends first in front; at most 50."""

    activities: list[Activity]


class GroupToJoin(Schema):
    """An open group with a seat."""

    group_id: Id
    leader_name: str
    seats_left: int
    seconds_left: int
    expires_at: UtcTime


class ActivityDetail(Activity):
    """One activity with at most 20 groups to join, what ends first in front. `open`: a group may be opened now."""

    open: bool
    groups: list[GroupToJoin]


class GroupSeat(Schema):
    """A seat that counts. A simulated one has no name, only its label."""

    name: str
    is_leader: bool
    simulated: bool
    label: str


class GroupDetail(Schema):
    """A group for its members and for the card they share: no id of a person, names masked."""

    group_id: Id
    activity_id: Id
    activity_name: str
    state: GroupState
    size: int
    seats: list[GroupSeat]
    seats_left: int
    seconds_left: int
    expires_at: UtcTime | None
    product_name: str
    picture_url: str
    price_fen: Fen
    selling_price_fen: Fen


class MyGroup(Schema):
    """One of the member's seats and its group."""

    group_id: Id
    activity_id: Id
    activity_name: str
    order_number: str
    seat_state: SeatState
    group_state: GroupState
    size: int
    paid: int
    is_leader: bool
    seconds_left: int
    expires_at: UtcTime | None
    moved_to: Id | None


class MyGroupPage(Schema):
    """The member's groups, newest first, and the cursor of the next page."""

    groups: list[MyGroup]
    next_cursor: str | None
