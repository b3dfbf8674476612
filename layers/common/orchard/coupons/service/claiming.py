"""The coupon centre: what can be claimed, and claiming it.

Orders rank above coupons, so the callers pass the statement that tells whether a member ever paid (column `paid`).
"""

import json

from orchard.core.clock import from_database
from orchard.core.errors import NotFound
from orchard.core.ids import new_id
from orchard.coupons.models import (
    Audience,
    Channel,
    CouponNotClaimable,
    CouponStateConflict,
    TemplateState,
    Unclaimable,
)
from orchard.coupons.schemas import ClaimableCoupon, ClaimableCoupons, MyCoupon, terms_fields
from orchard.coupons.service.mine import my_coupon
from orchard.coupons.store import templates, wallet
from orchard.runtime.database import Row, Statement, Tx


class _SlotTaken(CouponStateConflict):
    """Another claim of the same member got this slot."""


def list_claimable_coupons(tx: Tx, member_id: int, ever_paid: Statement) -> ClaimableCoupons:
    """The coupon centre for this member, each with the reason why it cannot be claimed; one round trip."""
    offers, paid = tx.packet([templates.offers(member_id), ever_paid])
    return ClaimableCoupons(coupons=[_claimable(row, paid=bool(paid.rows[0]["paid"])) for row in offers.rows])


def claim_coupon(tx: Tx, member_id: int, template_id: int, ever_paid: Statement) -> MyCoupon:
    """Take one coupon of the centre. Raises NotFound, CouponNotClaimable(reason).

    One conditional counter update and one unique (template, member, slot) row: neither more than the quota nor more
    than a member's share can be given out, however many ask at once.
    """
    offers, paid = tx.packet([templates.offer(template_id, member_id), ever_paid])
    if not offers.rows or not _is_open(offers.rows[0], Channel.CENTRE):
        raise NotFound
    offer = offers.rows[0]
    reason = unclaimable(offer, paid=bool(paid.rows[0]["paid"]))
    if reason is not None:
        raise CouponNotClaimable(reason=reason.value)
    return issue(tx, offer, member_id, new_id(), [])


def issue(tx: Tx, offer: Row, member_id: int, coupon_id: int, extra: list[Statement]) -> MyCoupon:
    """Write the coupon into the member's next slot: private rows, then `extra`, then the shared counter, last.

    Raises CouponNotClaimable; the transaction must then be rolled back.
    """
    for slot in range(offer["owned"] + 1, offer["per_member_limit"] + 1):
        rows = wallet.issue(coupon_id, offer["id"], member_id, slot, _SlotTaken())
        written = wallet.owned(member_id, coupon_id)
        try:
            # Read back before the counter, whose lock then lasts for nothing but COMMIT.
            results = tx.packet([*rows, *extra, written, templates.take_one(offer["id"])])
        except _SlotTaken:
            # The first statement failed, so nothing was written: the member's other claim has just taken this slot.
            continue
        return my_coupon(results[-2].rows)
    raise CouponNotClaimable(reason=Unclaimable.LIMIT_REACHED.value)


def _is_open(offer: Row, channel: Channel) -> bool:
    return offer["state"] == TemplateState.PUBLISHED and offer["channel"] == channel and not offer["ended"]


def unclaimable(offer: Row, *, paid: bool) -> Unclaimable | None:
    """Why this member cannot have one more now, None when they can."""
    if not offer["started"]:
        return Unclaimable.NOT_STARTED
    if offer["owned"] >= offer["per_member_limit"]:
        return Unclaimable.LIMIT_REACHED
    if offer["audience"] == Audience.NEWCOMERS and paid:
        return Unclaimable.NEWCOMERS_ONLY
    if offer["quota"] is not None and offer["issued"] >= offer["quota"]:
        return Unclaimable.SOLD_OUT
    return None


def _claimable(offer: Row, *, paid: bool) -> ClaimableCoupon:
    reason = unclaimable(offer, paid=paid)
    times = ("claim_from", "claim_until", "valid_from", "valid_until")
    return ClaimableCoupon(
        **terms_fields(offer, json.loads(offer["scope"])),
        **{name: from_database(offer[name]) if offer[name] else None for name in times},
        template_id=offer["id"],
        name=offer["name"],
        audience=offer["audience"],
        claimable=reason is None,
        reason=reason,
        owned=offer["owned"],
        per_member_limit=offer["per_member_limit"],
        remaining=None if offer["quota"] is None else offer["quota"] - offer["issued"],
        valid_days=offer["valid_days"],
    )
