"""The same tap many times: one Idempotency-Key has one outcome, whatever the network does with it."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from orchard.inventory import service as inventory
from orchard.inventory.models import MAIN_LOCATION, AdjustReason
from tests.support.scenario import RunningShop, Shopper

_TAPS = 50


def _tap(shopper: Shopper, path: str, body: Any, key: str) -> list[tuple[int, Any]]:
    """Fifty identical requests at once."""
    with ThreadPoolExecutor(_TAPS) as pool:
        return list(pool.map(lambda _: shopper.phone.attempt("POST", path, body, key=key), range(_TAPS)))


def test_fifty_taps_on_submit_place_one_order(shop: RunningShop, shopper: Shopper) -> None:
    goods = shop.shelf.sell(stock=100)
    body, key = shopper.agree(shopper.wish((goods, 1))), secrets.token_hex(16)
    answers = _tap(shopper, "/orders", body, key)
    assert {status for status, _ in answers} == {201}
    assert len({answer["order_number"] for _, answer in answers}) == 1
    assert all(answer == answers[0][1] for _, answer in answers)
    assert len(shopper.phone.call("GET", "/orders")["orders"]) == 1
    assert shop.shelf.available(goods) == 99


def test_a_key_belongs_to_one_request_of_one_member(shop: RunningShop, shopper: Shopper) -> None:
    goods, key = shop.shelf.sell(stock=100), secrets.token_hex(16)
    body = shopper.agree(shopper.wish((goods, 1)))
    first = shopper.phone.call("POST", "/orders", body, key=key)
    status, refusal = shopper.phone.attempt("POST", "/orders", {**body, "remark": "换一个"}, key=key)
    assert (status, refusal["code"]) == (409, "idempotency_key_reused")
    stranger = shop.shopper()
    second = stranger.phone.call("POST", "/orders", stranger.agree(stranger.wish((goods, 1))), key=key)
    assert second["order_number"] != first["order_number"]
    assert shop.shelf.available(goods) == 98


def test_a_refused_tap_leaves_its_key_free(shop: RunningShop, shopper: Shopper) -> None:
    goods, key = shop.shelf.sell(stock=0), secrets.token_hex(16)
    wish = shopper.wish((goods, 1))
    body = shopper.agree(wish)
    status, _ = shopper.phone.attempt("POST", "/orders", body, key=key)
    assert status == 409
    shop.db.run(lambda tx: inventory.adjust(tx, goods.sku_id, MAIN_LOCATION, 1, AdjustReason.RECEIVE, key))
    placed = shopper.phone.call("POST", "/orders", shopper.agree(wish), key=key)
    assert shopper.state(placed["order_number"]) == "PENDING_PAY"


def test_fifty_taps_on_pay_open_one_sheet(shop: RunningShop, shopper: Shopper) -> None:
    number = shopper.order(shop.shelf.sell())
    answers = _tap(shopper, f"/orders/{number}/pay", None, secrets.token_hex(16))
    sheets = [answer for status, answer in answers if status == 200]
    assert {answer["code"] for status, answer in answers if status != 200} <= {"payment_in_progress"}
    assert sheets
    assert len({sheet["parameters"]["package"] for sheet in sheets}) == 1
    calls = shop.one(
        "SELECT COUNT(*) FROM payment_call c JOIN payment p ON p.id = c.payment_id WHERE p.order_number = %s", number
    )
    assert calls == 1
    assert shopper.confirm(sheets[0]["parameters"]) == "requestPayment:ok"
    shop.eventually(lambda: shopper.state(number) == "TO_SHIP")
