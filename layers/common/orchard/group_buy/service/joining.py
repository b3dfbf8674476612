"""An activity and a group as one order sees them, and the seat that placing the order takes."""

from collections.abc import Sequence

from orchard.core.ids import new_id
from orchard.group_buy.models import ActivityState, GroupState, Offer, SeatLost, Standing
from orchard.group_buy.store import activities, groups, seats
from orchard.runtime.database import Row, Statement


def offer_statement(activity_id: int, sku_id: int, member_id: int) -> Statement:
    """The activity for the one read packet of a quote; see `read_offer`."""
    return activities.offer(activity_id, sku_id, member_id)


def read_offer(rows: Sequence[Row]) -> Offer | None:
    """None for an activity that does not exist or was never published."""
    if not rows:
        return None
    row = rows[0]
    plain = ("version", "size", "hours", "per_order_limit", "per_member_limit", "price_fen")
    flags = ("moves_payers", "simulates", "returns_quota", "started", "ended", "in_a_group")
    return Offer(
        activity_id=row["id"],
        state=ActivityState(row["state"]),
        left=int(row["remaining"]),
        units=int(row["units"]),
        **{name: row[name] for name in plain},
        **{name: bool(row[name]) for name in flags},
    )


def group_statement(group_id: int) -> Statement:
    """The group for the same packet; see `read_group`."""
    return groups.standing(group_id)


def read_group(rows: Sequence[Row], activity_id: int) -> Standing | None:
    """None for a group that does not exist or is another activity's."""
    if not rows or rows[0]["activity_id"] != activity_id:
        return None
    row = rows[0]
    return Standing(
        row["id"], activity_id, GroupState(row["state"]), bool(row["expired"]), row["size"], int(row["taken"])
    )


def take_seat(
    offer: Offer, group_id: int | None, order: tuple[int, int, str], goods: tuple[int, int], minutes: int
) -> list[Statement]:
    """Open a group, or join `group_id`, with an order (member_id, order_id, order_number) of (sku_id, units).

    The seat is kept for `minutes` of database time. The group's row is locked first, so joins go one after the other;
    the activity's quota comes last. The packet raises SeatLost, AlreadyInGroup, GroupBuySoldOut.
    """
    if offer.price_fen is None:
        raise SeatLost
    if group_id is None:
        group_id = new_id()
        first = [activities.still_open(offer.activity_id, offer.version), *groups.open_group(group_id, offer, order[0])]
    else:
        first = [groups.lock_open(group_id)]
    reserved = seats.reserve(new_id(), group_id, offer, order, goods, minutes)
    return [*first, *reserved, activities.take(offer.activity_id, goods[0], goods[1], offer.price_fen)]
