"""Coupons that come by themselves: the pack for newcomers, and grants."""

from orchard.core.ids import new_id
from orchard.coupons.models import CouponNotClaimable, CouponStateConflict
from orchard.coupons.store import templates, wallet
from orchard.runtime.database import Tx
from orchard.runtime.queues import QueuedEvent


def grant_newcomer_coupons(tx: Tx, event: QueuedEvent) -> None:
    """Give the pack that is on offer now to a member who has just joined.

    `event`: member.joined with payload {"member_id"}. What is sold out is left out; nobody gets a template twice.
    """
    for template_id in templates.newcomer_template_ids(tx):
        try:
            grant(tx, template_id, int(event.payload["member_id"]))
        except CouponNotClaimable:
            # The counter is asked first, so a template that is sold out has written nothing.
            continue


def grant(tx: Tx, template_id: int, member_id: int) -> int | None:
    """Give one coupon to a member; its id, or None where they have one already. Raises CouponNotClaimable.

    The member's share is looked at under the template's lock, so no slot can be lost to another claim.
    """
    _, offers = tx.packet([templates.take_one(template_id), templates.offer(template_id, member_id)])
    if offers.rows[0]["owned"]:
        tx.execute(templates.untake_one(template_id))
        return None
    coupon_id = new_id()
    tx.packet(wallet.issue(coupon_id, template_id, member_id, 1, CouponStateConflict()))
    return coupon_id
