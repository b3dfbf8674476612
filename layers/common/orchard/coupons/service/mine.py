"""The member's own coupons."""

import json
from collections.abc import Sequence

from orchard.core.clock import from_database
from orchard.core.paging import decode_cursor, encode_cursor
from orchard.coupons.models import CouponState
from orchard.coupons.schemas import CouponPage, MyCoupon, terms_fields
from orchard.coupons.store import wallet
from orchard.runtime.database import Row, Tx
from orchard.runtime.sessions import MemberSession


def list_coupons(tx: Tx, member: MemberSession, state: CouponState, cursor: str | None, limit: int) -> CouponPage:
    """A page of the member's coupons in one state. Raises InvalidInput for a cursor of another list."""
    scope = f"coupons:{member.member_id}:{state.value}"
    after = wallet.page_key(decode_cursor(scope, cursor, (str, int)))
    rows = wallet.page(tx, member.member_id, state, after, limit + 1)
    shown = rows[:limit]
    key = (shown[-1]["ends_at"].isoformat(), shown[-1]["id"]) if len(rows) > limit else None
    return CouponPage(
        coupons=[_mine(row, state) for row in shown], next_cursor=encode_cursor(scope, key) if key else None
    )


def my_coupon(rows: Sequence[Row]) -> MyCoupon:
    """The coupon in the one row of `store.wallet.owned`."""
    return _mine(rows[0], CouponState(rows[0]["state"]))


def _mine(row: Row, state: CouponState) -> MyCoupon:
    return MyCoupon(
        **terms_fields(row, json.loads(row["scope"])),
        coupon_id=row["id"],
        template_id=row["template_id"],
        name=row["name"],
        state=state,
        starts_at=from_database(row["starts_at"]),
        ends_at=from_database(row["ends_at"]),
        started=bool(row["started"]),
    )
