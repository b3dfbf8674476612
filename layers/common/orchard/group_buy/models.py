"""What an activity, a group and a seat are, the states of their lives, and what may be refused."""

from dataclasses import dataclass
from enum import StrEnum

from orchard.core.errors import Conflict, InvalidInput, NotFound


class ActivityState(StrEnum):
    """DRAFT is only seen by the merchant; STOPPED opens no more groups, and those that are open may still be filled."""

    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    STOPPED = "STOPPED"


class GroupState(StrEnum):
    """PENDING waits for its leader's payment and is joined by nobody; CANCELLED is one whose leader never paid."""

    PENDING = "PENDING"
    OPEN = "OPEN"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


G = GroupState
GROUP_TRANSITIONS: dict[GroupState, frozenset[GroupState]] = {
    G.PENDING: frozenset({G.OPEN, G.CANCELLED}),
    G.OPEN: frozenset({G.SUCCESS, G.FAILED}),
    G.SUCCESS: frozenset(),
    G.FAILED: frozenset(),
    G.CANCELLED: frozenset(),
}


class SeatState(StrEnum):
    """RESERVED waits for its payment, PAID for its group. MOVED: the order has a seat in another group instead."""

    RESERVED = "RESERVED"
    PAID = "PAID"
    SUCCESS = "SUCCESS"
    REFUNDING = "REFUNDING"
    REFUNDED = "REFUNDED"
    MOVED = "MOVED"
    CANCELLED = "CANCELLED"


class Barred(StrEnum):
    """Why a group cannot be opened or joined with this order; quotes give them as problems."""

    NOT_STARTED = "group_buy_not_started"
    ENDED = "group_buy_ended"
    NOT_OFFERED = "group_buy_not_offered"
    SOLD_OUT = "group_buy_sold_out"
    ORDER_LIMIT = "group_buy_order_limit"
    MEMBER_LIMIT = "group_buy_member_limit"
    IN_A_GROUP = "group_buy_in_a_group"
    GROUP_OVER = "group_over"
    GROUP_FULL = "group_full"


@dataclass(frozen=True, slots=True)
class Offer:
    """An activity as one order sees it. Database time decided `started`, `ended`; `price_fen` None: SKU not in it.

    `left` is what the activity's quota still has, `units` what the member bought or holds of the activity.
    """

    activity_id: int
    version: int
    state: ActivityState
    size: int
    hours: int
    per_order_limit: int
    per_member_limit: int
    moves_payers: bool
    simulates: bool
    returns_quota: bool
    started: bool
    ended: bool
    price_fen: int | None
    left: int
    units: int
    in_a_group: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """A group as one order sees it; `taken` counts paid seats and reserved ones whose time is not over."""

    group_id: int
    activity_id: int
    state: GroupState
    expired: bool
    size: int
    taken: int


@dataclass(frozen=True, slots=True)
class Seat:
    """An order's seat with its group, both locked. `in_time`: reserved, and still within the time to pay."""

    id: int
    group_id: int
    activity_id: int
    member_id: int
    order_id: int
    order_number: str
    sku_id: int
    units: int
    state: SeatState
    quota_held: bool
    in_time: bool
    group_state: GroupState
    group_version: int
    group_expired: bool
    leader_id: int
    size: int
    hours: int
    paid: int
    moves_payers: bool
    simulates: bool
    returns_quota: bool


class Fate(StrEnum):
    """What a payment comes to: the group waits on, is complete, or has no seat and the money goes back."""

    WAITING = "WAITING"
    COMPLETE = "COMPLETE"
    REFUND = "REFUND"


class SeatLost(Conflict):
    """The group was filled, ended, or the member joined another one since it was read."""

    code = "group_seat_lost"
    message = "该团已满员或已结束"


class AlreadyInGroup(SeatLost):
    """The member has a live group in this activity."""

    code = "already_in_group"
    message = "您已参与该活动的拼团"


class GroupBuySoldOut(SeatLost):
    """The activity's quota went to other orders, or the activity was stopped, since it was read."""

    code = "group_buy_sold_out"
    message = "活动商品已售罄"


class SeatConflict(Conflict):
    """The seat or its group moved on meanwhile."""

    code = "group_seat_conflict"
    message = "拼团状态已变化，请刷新后重试"


class SeatGone(Conflict):
    """An unpaid order whose group is over or full without it: money paid for it now could only go back."""

    code = "group_seat_gone"
    message = "该团已满员或已结束，请重新下单"


class ActivityNotFound(NotFound):
    """No such activity."""


class ActivityStateConflict(Conflict):
    """The activity is not in a state for this, or somebody changed it meanwhile."""

    code = "group_buy_activity_conflict"
    message = "拼团活动状态已变化，请刷新后重试"


class InvalidActivity(InvalidInput):
    """An activity that contradicts itself or the catalogue; `field` names what is wrong."""

    code = "invalid_group_buy_activity"
    message = "拼团活动设置有误"
