"""From login to a paid order, over HTTP, in every way that goods leave the shop."""

from typing import Any

from infra.demo import purchase
from tests.support.scenario import RunningShop, Shopper


def _bought(shop: RunningShop, shopper: Shopper, number: str) -> dict[str, Any]:
    """Pay, wait for the notification, and return the order."""
    shopper.pay(number)
    shop.eventually(lambda: shopper.state(number) != "PENDING_PAY")
    order: dict[str, Any] = shopper.phone.call("GET", f"/orders/{number}")
    return order


def test_a_newcomer_buys_fruit_and_gets_a_receipt(shop: RunningShop) -> None:
    said: list[str] = []
    receipt = purchase.play(shop.cloud.api_url, shop.cloud.sandbox_url, say=said.append)
    assert receipt.order["state"] == "TO_SHIP"
    numbers = [int(line.split(".")[0]) for line in said if line.strip()[:2].rstrip(".").isdigit()]
    assert numbers == list(range(1, 10))
    assert any("实付" in line for line in receipt.lines())
    assert [step["to_state"] for step in receipt.order["history"]] == ["PENDING_PAY", "PAID", "TO_SHIP"]


def test_pickup_costs_no_freight_and_needs_no_address(shop: RunningShop, shopper: Shopper) -> None:
    goods = shop.shelf.sell(price_fen=1234, stock=5)
    store_id = str(shop.shelf.open_store())
    wish = shopper.wish((goods, 2), method="pickup", store_id=store_id)
    placed = shopper.phone.call("POST", "/orders", shopper.agree(wish, remark="放在前台 🍎"))
    order = _bought(shop, shopper, placed["order_number"])
    assert (order["state"], order["store_id"], order["address"]) == ("TO_SHIP", store_id, None)
    assert (order["freight_fen"], order["payable_fen"], order["remark"]) == (0, 2468, "放在前台 🍎")
    assert shop.shelf.available(goods) == 3


def test_local_delivery_has_the_stores_own_fee(shop: RunningShop, shopper: Shopper) -> None:
    goods = shop.shelf.sell(price_fen=2500)
    store_id = str(shop.shelf.open_store(local_delivery_fee_fen=500, local_delivery_minimum_fen=2000))
    wish = shopper.wish((goods, 1), method="local", store_id=store_id, address_id=shopper.address())
    placed = shopper.phone.call("POST", "/orders", shopper.agree(wish))
    order = _bought(shop, shopper, placed["order_number"])
    assert (order["state"], order["freight_fen"], order["payable_fen"]) == ("TO_SHIP", 500, 3000)
    assert order["address"]["detail"] == "世纪大道 100 号"


def test_an_order_that_costs_nothing_is_paid_without_wechat(shop: RunningShop, shopper: Shopper) -> None:
    goods = shop.shelf.sell(price_fen=0, stock=3)
    wish = shopper.wish((goods, 1), method="pickup", store_id=str(shop.shelf.open_store()))
    placed = shopper.phone.call("POST", "/orders", shopper.agree(wish))
    number = placed["order_number"]
    assert (placed["payable_fen"], shopper.state(number)) == (0, "TO_SHIP")
    assert shopper.phone.call("POST", f"/orders/{number}/pay")["parameters"] is None
    assert shop.at_wechat(number) == []
    assert shop.shelf.available(goods) == 2


def test_a_cart_of_several_lines_becomes_one_order_and_keeps_what_was_left_out(
    shop: RunningShop, shopper: Shopper
) -> None:
    goods = shop.shelf.sell_many([{"price_fen": price, "stock": 10} for price in (1990, 350, 999)])
    kept = shop.shelf.sell(price_fen=777)
    for sold, quantity in [*zip(goods, (1, 3, 2), strict=True), (kept, 1)]:
        shopper.phone.call("POST", "/cart/lines", {"sku_id": str(sold.sku_id), "quantity": quantity})
    cart = shopper.phone.call("GET", "/cart")
    wanted = [line for line in cart["lines"] if line["sku_id"] != str(kept.sku_id)]
    lines = [{"sku_id": line["sku_id"], "quantity": line["quantity"]} for line in wanted]
    wish = {"lines": lines, "delivery": {"method": "express", "address_id": shopper.address()}}
    placed = shopper.phone.call("POST", "/orders", shopper.agree(wish, from_cart=True))
    order = _bought(shop, shopper, placed["order_number"])
    assert order["goods_fen"] == 1990 + 3 * 350 + 2 * 999
    assert sum(line["payable_fen"] for line in order["lines"]) == order["payable_fen"]
    left = shopper.phone.call("GET", "/cart")["lines"]
    assert [line["sku_id"] for line in left] == [str(kept.sku_id)]


def test_a_price_that_fell_since_the_quote_is_shown_before_it_is_charged(shop: RunningShop, shopper: Shopper) -> None:
    goods = shop.shelf.sell(price_fen=1000)
    wish = shopper.wish((goods, 2))
    body = shopper.agree(wish)
    shop.change("UPDATE sku SET price_fen = 900 WHERE id = %s", goods.sku_id)
    status, answer = shopper.phone.attempt("POST", "/orders", body)
    assert (status, answer["code"], answer["quote"]["goods_fen"]) == (409, "quote_changed", 1800)
    placed = shopper.phone.call("POST", "/orders", {**wish, "quote_digest": answer["quote"]["digest"]})
    assert _bought(shop, shopper, placed["order_number"])["goods_fen"] == 1800


def test_stock_that_somebody_else_took_since_the_quote_is_shown(shop: RunningShop, shopper: Shopper) -> None:
    goods = shop.shelf.sell(stock=2)
    body = shopper.agree(shopper.wish((goods, 2)))
    shop.shopper().order(goods, 1)
    status, answer = shopper.phone.attempt("POST", "/orders", body)
    assert (status, answer["quote"]["lines"][0]["available"]) == (409, 1)
    assert shop.shelf.available(goods) == 1
    assert shopper.state(shopper.order(goods, 1)) == "PENDING_PAY"
