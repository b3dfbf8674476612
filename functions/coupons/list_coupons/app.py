"""GET /coupons: the member's coupons in one state, what ends first in front."""

from typing import Annotated

from orchard.coupons.schemas import CouponPage, CouponState
from orchard.coupons.service import mine
from orchard.runtime.api import Api, CurrentMember, Query, Transaction

api = Api()


@api.get("/coupons")
def list_coupons(
    member: CurrentMember,
    tx: Transaction,
    state: Annotated[CouponState, Query()] = CouponState.AVAILABLE,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
) -> CouponPage:
    return mine.list_coupons(tx, member, state, cursor, limit)


handler = api.handler
