"""Pure decisions of group-buy: who may open or join, and what a payment comes to."""

from orchard.group_buy.models import ActivityState, Barred, Fate, GroupState, Offer, Seat, Standing


def barred(offer: Offer, group: Standing | None, quantity: int) -> list[Barred]:
    """Why this order can open no group (`group` None) or not join this one; empty when it can.

    Start, end and stop bar those who open; who joins is bound by the group's own time.
    """
    found = _opening(offer) if group is None else _joining(group)
    if offer.price_fen is None:
        found.append(Barred.NOT_OFFERED)
    elif offer.left < quantity:
        found.append(Barred.SOLD_OUT)
    if quantity > offer.per_order_limit:
        found.append(Barred.ORDER_LIMIT)
    if offer.in_a_group:
        found.append(Barred.IN_A_GROUP)
    elif offer.units + quantity > offer.per_member_limit:
        found.append(Barred.MEMBER_LIMIT)
    return found


def _opening(offer: Offer) -> list[Barred]:
    if offer.ended or offer.state is ActivityState.STOPPED:
        return [Barred.ENDED]
    return [] if offer.started else [Barred.NOT_STARTED]


def _joining(group: Standing) -> list[Barred]:
    if group.state is not GroupState.OPEN or group.expired:
        return [Barred.GROUP_OVER]
    return [Barred.GROUP_FULL] if group.taken >= group.size else []


def fate(seat: Seat, others_in_time: int) -> Fate:
    """What the payment for a reserved seat comes to in its own group.

    `others_in_time`: reserved seats of the group, but for this one, whose time to pay is not over: who pays late
    takes no seat from them.
    """
    if seat.group_state is GroupState.PENDING:
        return Fate.WAITING
    if seat.group_state is not GroupState.OPEN or seat.group_expired:
        return Fate.REFUND
    taken = seat.paid if seat.in_time else seat.paid + others_in_time
    if taken >= seat.size:
        return Fate.REFUND
    return Fate.COMPLETE if seat.paid + 1 == seat.size else Fate.WAITING


def saving_fen(selling_fen: int, activity_fen: int, quantity: int) -> int:
    """What the activity price takes off a line; a price above the selling price takes off nothing."""
    return max(0, selling_fen - activity_fen) * quantity
