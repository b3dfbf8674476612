"""Coupon codes: made in batches, shown once, kept as hashes; redeemed with one answer for all that fails."""

from orchard.core.ids import new_id, random_text
from orchard.coupons import rules
from orchard.coupons.models import (
    Channel,
    CouponCodeRefused,
    CouponNotClaimable,
    InvalidTemplate,
    TemplateState,
    TooManyCodeTries,
)
from orchard.coupons.schemas import CodeBatch, MyCoupon
from orchard.coupons.service import claiming
from orchard.coupons.service.mine import my_coupon
from orchard.coupons.store import codes, templates, wallet
from orchard.runtime import crash_points, personal_data
from orchard.runtime.database import Connection, Statement, Tx

TRIES_PER_WINDOW = 10
WINDOW_MINUTES = 60
MOST_PER_BATCH = 10_000
_CHUNK = 1000


def generate_codes(tx: Tx, template_id: int, count: int) -> CodeBatch:
    """New codes for a template of channel CODE; they are shown now and never again.

    Raises TemplateNotFound, InvalidTemplate for another channel, for more than a batch or than the quota holds.
    """
    template = templates.locked(tx, template_id)
    if template["channel"] != Channel.CODE or template["state"] == TemplateState.STOPPED:
        raise InvalidTemplate(field="channel")
    room = MOST_PER_BATCH if template["quota"] is None else template["quota"] - templates.codes_of(tx, template_id)
    if not 1 <= count <= min(room, MOST_PER_BATCH):
        raise InvalidTemplate(field="count")
    batch_id = new_id()
    made = [random_text(rules.CODE_LENGTH) for _ in range(count)]
    for start in range(0, count, _CHUNK):
        hashes = [_hash(code) for code in made[start : start + _CHUNK]]
        tx.execute(codes.insert_codes(template_id, batch_id, hashes))
    return CodeBatch(batch_id=batch_id, codes=[rules.shown_code(code) for code in made])


def redeem_coupon_code(transactions: Connection, member_id: int, typed: str, ever_paid: Statement) -> MyCoupon:
    """The coupon behind a code. Sending one's own code again answers with the same coupon.

    The try is committed before the code is looked at, so a refusal does not take it back. Raises TooManyCodeTries,
    and CouponCodeRefused for every other reason.
    """
    if transactions.run(lambda tx: codes.count_try(tx, member_id, WINDOW_MINUTES)) > TRIES_PER_WINDOW:
        raise TooManyCodeTries
    crash_points.reached("redeem_coupon_code.try_counted")
    canonical = rules.canonical_code(typed)
    if canonical is None:
        raise CouponCodeRefused
    code_hash = _hash(canonical)
    try:
        return transactions.run(lambda tx: _redeem(tx, member_id, code_hash, ever_paid))
    except (CouponCodeRefused, CouponNotClaimable):
        # It may have been the member's own first try that took the code: then this is its repetition.
        found = transactions.run(lambda tx: _redeemed(tx, member_id, code_hash))
        if found is None:
            raise CouponCodeRefused from None
        return found


def _redeem(tx: Tx, member_id: int, code_hash: bytes, ever_paid: Statement) -> MyCoupon:
    offers, paid = tx.packet([templates.offer_of_code(code_hash, member_id), ever_paid])
    offer = offers.rows[0] if offers.rows else None
    if offer is None or offer["redeemed_by"] is not None or offer["state"] != TemplateState.PUBLISHED or offer["ended"]:
        raise CouponCodeRefused
    if claiming.unclaimable(offer, paid=bool(paid.rows[0]["paid"])) is not None:
        raise CouponCodeRefused
    coupon_id = new_id()
    taken = codes.redeem(code_hash, member_id, coupon_id, CouponCodeRefused())
    return claiming.issue(tx, offer, member_id, coupon_id, [taken])


def _redeemed(tx: Tx, member_id: int, code_hash: bytes) -> MyCoupon | None:
    rows = tx.packet([templates.offer_of_code(code_hash, member_id)])[0].rows
    if not rows or rows[0]["redeemed_by"] != member_id:
        return None
    return my_coupon(tx.packet([wallet.owned(member_id, rows[0]["coupon_id"])])[0].rows)


def _hash(canonical: str) -> bytes:
    return personal_data.search_hash(f"coupon_code:{canonical}")
