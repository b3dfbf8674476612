"""A coupon and a group-buy named together: refused by quoting and by placing, and nothing is touched."""

from typing import Any

from tests.support.calls import Answer, call
from tests.support.coupons import Coupons
from tests.support.group_buys import GroupBuys
from tests.support.shop import quote
from tests.support.till import Till


def _place(token: str, body: dict[str, Any], digest: str) -> Answer:
    return call("orders/place_order", "POST", "/orders", token=token, body={**body, "quote_digest": digest})


def test_a_coupon_with_a_group_buy_is_refused_by_quote_and_order(
    group_buys: GroupBuys, till: Till, coupons: Coupons
) -> None:
    buyer, activity_id = till.buyer(), group_buys.offer()
    group_id, _ = group_buys.opened(activity_id)
    coupon_id = coupons.give(buyer.token)
    for joined in (None, group_id):
        alone = group_buys.body(activity_id, joined)
        both = {**alone, "coupon_id": coupon_id}
        # The digest of a good quote changes nothing: what is named together must stand together.
        digest = quote(buyer.token, alone).json["digest"]
        for answer in (quote(buyer.token, both), _place(buyer.token, both, digest)):
            assert (answer.status, answer.code) == (422, "campaigns_exclude")
            assert answer.json["excluded"] == ["coupon"]
    assert coupons.state(coupon_id) == "AVAILABLE"
    assert (group_buys.taken(activity_id), len(till.rows("SELECT id FROM orders"))) == (1, 1)


def test_it_is_the_naming_that_excludes_even_a_coupon_that_is_not_there(group_buys: GroupBuys, till: Till) -> None:
    buyer, activity_id = till.buyer(), group_buys.offer()
    body = group_buys.body(activity_id, coupon_id="9007199254740993")
    assert quote(buyer.token, body).code == "campaigns_exclude"
    assert _place(buyer.token, body, "0" * 32).code == "campaigns_exclude"
    del body["group_buy"]
    assert quote(buyer.token, body).status == 404
