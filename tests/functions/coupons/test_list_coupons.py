"""GET /coupons."""

from tests.support.calls import Answer
from tests.support.coupons import Coupons, mine
from tests.support.shop import Shop, Shoppers, place, wish


def _ids(answer: Answer) -> list[str]:
    return [coupon["coupon_id"] for coupon in answer.json["coupons"]]


def test_coupons_come_by_state_and_what_ends_first_in_front(coupons: Coupons, shopper: Shoppers, shop: Shop) -> None:
    me, other = shopper(), shopper()
    coupons.give(other.token)
    late, soon = coupons.give(me.token, valid_days=9), coupons.give(me.token, valid_days=2)
    locked, ended = coupons.give(me.token), coupons.give(me.token)
    body = wish(shop.sell(price_fen=2000), 1, method="pickup", store_id=str(shop.open_store()))
    assert place(me.token, {**body, "coupon_id": locked}).status == 201
    coupons.end(ended)
    assert _ids(mine(me.token)) == [soon, late]
    assert _ids(mine(me.token, state="LOCKED")) == [locked]
    assert _ids(mine(me.token, state="USED")) == []
    # Its time is over, though no sweep has come by yet.
    assert _ids(mine(me.token, state="EXPIRED")) == [ended]
    assert mine(me.token, state="EXPIRED").json["coupons"][0]["state"] == "EXPIRED"


def test_pages_follow_on_without_gap_or_repetition(coupons: Coupons, shopper: Shoppers) -> None:
    me = shopper()
    template_id = coupons.offer(per_member_limit=7, valid_days=3)
    given = [coupons.claimed(me.token, template_id) for _ in range(7)]
    # Some end at the very same moment.
    coupons.change("UPDATE coupon SET ends_at = '2099-01-01 00:00:00' WHERE slot IN (2, 3, 4)")
    seen: list[str] = []
    cursor = None
    while True:
        page = mine(me.token, limit=2, **({"cursor": cursor} if cursor else {}))
        seen += _ids(page)
        cursor = page.json["next_cursor"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(given)
    assert len(set(seen)) == 7


def test_foreign_cursors_and_states_are_refused(coupons: Coupons, shopper: Shoppers) -> None:
    me, other = shopper(), shopper()
    template_id = coupons.offer(per_member_limit=2)
    for shopper_ in (me, other):
        for _ in range(2):
            coupons.claimed(shopper_.token, template_id)
    cursor = mine(me.token, limit=1).json["next_cursor"]
    assert mine(other.token, limit=1, cursor=cursor).status == 422
    assert mine(me.token, limit=1, cursor=cursor, state="USED").status == 422
    assert mine(me.token, cursor="x").status == 422
    assert mine(me.token, state="SPENT").status == 422
