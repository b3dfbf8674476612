"""GET /orders."""

import pytest

from tests.support.calls import call
from tests.support.shop import Shop, Shoppers, add_address, place, wish


def _place(shop: Shop, token: str, count: int) -> list[str]:
    goods, address = shop.sell(stock=50), add_address(token)
    body = wish(goods, method="express", address_id=address)
    return [place(token, body).json["order_number"] for _ in range(count)]


def test_orders_come_newest_first_page_by_page(shop: Shop, shopper: Shoppers) -> None:
    me = shopper()
    placed = _place(shop, me.token, 5)
    seen, cursor = [], None
    for _ in range(3):
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        answer = call("orders/list_orders", "GET", "/orders", token=me.token, query=query)
        assert answer.status == 200
        seen += [order["order_number"] for order in answer.json["orders"]]
        cursor = answer.json["next_cursor"]
    assert seen == placed[::-1]
    assert cursor is None


def test_orders_are_filtered_by_state_and_summarised(shop: Shop, shopper: Shoppers) -> None:
    me = shopper()
    (number,) = _place(shop, me.token, 1)
    pending = call("orders/list_orders", "GET", "/orders", token=me.token, query={"state": "PENDING_PAY"}).json
    assert [order["order_number"] for order in pending["orders"]] == [number]
    assert pending["orders"][0]["line_count"] == 1
    assert pending["orders"][0]["first_product_name"].startswith("果品")
    shipped = call("orders/list_orders", "GET", "/orders", token=me.token, query={"state": "SHIPPED"}).json
    assert shipped == {"orders": [], "next_cursor": None}


def test_nobody_sees_another_members_orders(shop: Shop, shopper: Shoppers) -> None:
    me, other = shopper(), shopper()
    _place(shop, me.token, 1)
    assert call("orders/list_orders", "GET", "/orders", token=other.token).json["orders"] == []
    assert call("orders/list_orders", "GET", "/orders").status == 401


@pytest.mark.parametrize(
    "query",
    [{"state": "SOLD' OR 1=1"}, {"limit": 0}, {"limit": -1}, {"limit": 10**9}, {"cursor": "AAAA"}, {"limit": "x"}],
)
def test_odd_filters_limits_and_cursors_are_refused(shopper: Shoppers, query: dict[str, object]) -> None:
    assert call("orders/list_orders", "GET", "/orders", token=shopper().token, query=query).status == 422


def test_a_cursor_of_another_member_is_refused(shop: Shop, shopper: Shoppers) -> None:
    me, other = shopper(), shopper()
    _place(shop, me.token, 2)
    cursor = call("orders/list_orders", "GET", "/orders", token=me.token, query={"limit": 1}).json["next_cursor"]
    assert call("orders/list_orders", "GET", "/orders", token=other.token, query={"cursor": cursor}).status == 422
