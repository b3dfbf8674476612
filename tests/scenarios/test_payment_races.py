"""Cancel, time-out and payment at the same moment: one of them wins, money and stock agree with the winner."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from infra.demo.shop_client import RefusedError
from tests.support.scenario import RunningShop, Shopper
from tests.support.shop import Goods

_ROUNDS = 20
_LEGAL = {"TO_SHIP", "CLOSED"}


def _at_once(*steps: Callable[[], Any]) -> list[Any]:
    """Everything at once; what each returned, refusals as the exception."""

    def attempt(step: Callable[[], Any]) -> Any:
        try:
            return step()
        except RefusedError as refused:
            return refused

    with ThreadPoolExecutor(len(steps)) as pool:
        return list(pool.map(attempt, steps))


def _cancel(shopper: Shopper, number: str) -> Any:
    return shopper.phone.call("POST", f"/orders/{number}/cancel")


def _conclude(shop: RunningShop, shopper: Shopper, number: str) -> str:
    """At most two sweeps later the order must stand at a legal end."""
    for _ in range(2):
        shop.wechat.deliver_notifications()
        if shopper.state(number) in _LEGAL:
            break
        shop.sweep(number)
        shop.fire("close_unpaid_orders")
    state = shopper.state(number)
    assert state in _LEGAL
    return state


def _assert_settled(shop: RunningShop, number: str, state: str, goods: Goods, stock: int) -> None:
    """Stock is released or deducted once; money stays exactly where an order was paid."""
    kinds = [
        row["kind"]
        for row in shop.rows(
            "SELECT g.kind FROM stock_ledger g JOIN order_line l ON l.id = g.line_id JOIN orders o ON o.id = l.order_id"
            " WHERE o.order_number = %s ORDER BY g.kind",
            number,
        )
    ]
    assert kinds == (["DEDUCT", "RESERVE"] if state == "TO_SHIP" else ["RELEASE", "RESERVE"])
    assert shop.shelf.available(goods) == stock - (state == "TO_SHIP")
    kept = sum(paid["paid_fen"] for paid in shop.at_wechat(number)) - sum(
        refund["amount_fen"] for refund in shop.refunds(number)
    )
    assert kept == (shop.payment(number)["amount_fen"] if state == "TO_SHIP" else 0)


def test_cancel_timeout_and_payment_at_once_end_in_one_of_two_ways(shop: RunningShop, shopper: Shopper) -> None:
    ends = []
    for turn in range(_ROUNDS):
        goods = shop.shelf.sell(stock=3)
        number = shopper.order(goods)
        parameters = shopper.sheet(number)
        if turn % 2:
            shop.expire(number)
        _at_once(
            lambda n=number: _cancel(shopper, n),  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            lambda: shop.fire("close_unpaid_orders"),
            lambda p=parameters: shopper.confirm(p),  # type: ignore[misc]
            lambda n=number: shopper.phone.call("POST", f"/orders/{n}/confirm-payment"),  # type: ignore[misc]
        )
        ends.append(_conclude(shop, shopper, number))
        _assert_settled(shop, number, ends[-1], goods, 3)
    assert set(ends) <= _LEGAL


def test_both_ends_of_the_race_are_reached(shop: RunningShop, shopper: Shopper) -> None:
    """The race above proves nothing unless each side can win."""
    for first, end in (("pay", "TO_SHIP"), ("cancel", "CLOSED")):
        goods = shop.shelf.sell(stock=3)
        number = shopper.order(goods)
        parameters = shopper.sheet(number)
        if first == "pay":
            shop.wechat.misbehave("notice_lost", call="payment_notice")
            assert shopper.confirm(parameters) == "requestPayment:ok"
            (refused,) = _at_once(lambda n=number: _cancel(shopper, n))  # type: ignore[misc]
            assert refused.code == "order_already_paid"
        else:
            _cancel(shopper, number)
            assert shopper.confirm(parameters) != "requestPayment:ok"
        assert _conclude(shop, shopper, number) == end
        _assert_settled(shop, number, end, goods, 3)


def test_a_buyer_who_pays_while_wechat_closes_the_order_has_bought(shop: RunningShop, shopper: Shopper) -> None:
    goods = shop.shelf.sell(stock=3)
    number = shopper.order(goods)
    shopper.sheet(number)
    shop.wechat.misbehave("notice_lost", call="payment_notice")
    shop.wechat.misbehave("pay_first", call="close")
    (refused,) = _at_once(lambda: _cancel(shopper, number))
    assert (refused.status, refused.code) == (409, "order_already_paid")
    assert shopper.state(number) == "TO_SHIP"
    _assert_settled(shop, number, "TO_SHIP", goods, 3)


def test_many_cancels_and_timeouts_release_the_stock_once(shop: RunningShop, shopper: Shopper) -> None:
    goods = shop.shelf.sell(stock=3)
    number = shopper.order(goods, 2)
    shopper.sheet(number)
    shop.expire(number)
    _at_once(*[lambda: _cancel(shopper, number)] * 5, *[lambda: shop.fire("close_unpaid_orders")] * 3)
    assert _conclude(shop, shopper, number) == "CLOSED"
    _assert_settled(shop, number, "CLOSED", goods, 3)
    assert _cancel(shopper, number)["state"] == "CLOSED"


def test_an_order_nobody_paid_is_closed_when_its_time_is_over_and_not_before(
    shop: RunningShop, shopper: Shopper
) -> None:
    goods = shop.shelf.sell(stock=3)
    never_opened, opened = shopper.order(goods), shopper.order(goods)
    shopper.sheet(opened)
    shop.fire("close_unpaid_orders")
    assert {shopper.state(never_opened), shopper.state(opened)} == {"PENDING_PAY"}
    for number in (never_opened, opened):
        shop.expire(number)
    shop.fire("close_unpaid_orders")
    assert {shopper.state(never_opened), shopper.state(opened)} == {"CLOSED"}
    assert shopper.phone.call("GET", f"/orders/{opened}")["close_reason"] == "timeout"
    assert shop.shelf.available(goods) == 3
    status, refusal = shopper.phone.attempt("POST", f"/orders/{opened}/pay")
    assert (status, refusal["code"]) == (409, "order_not_payable")


def test_six_confirmations_of_one_sheet_take_the_money_once(shop: RunningShop, shopper: Shopper) -> None:
    number = shopper.order(shop.shelf.sell(price_fen=1500))
    parameters = shopper.sheet(number)
    results = _at_once(*[lambda: shopper.confirm(parameters)] * 6)
    assert results.count("requestPayment:ok") == 1
    shop.eventually(lambda: shopper.state(number) == "TO_SHIP")
    status, refusal = shopper.phone.attempt("POST", f"/orders/{number}/pay")
    assert (status, refusal["code"]) == (409, "order_already_paid")


def test_a_stranger_sees_no_difference_between_a_foreign_order_and_none(shop: RunningShop, shopper: Shopper) -> None:
    number = shopper.order(shop.shelf.sell())
    stranger = shop.shopper()
    for method, path in (("GET", ""), ("POST", "/pay"), ("POST", "/cancel"), ("POST", "/confirm-payment")):
        foreign = stranger.phone.attempt(method, f"/orders/{number}{path}")
        missing = stranger.phone.attempt(method, f"/orders/{number[:-1]}0{path}")
        for _, problem in (foreign, missing):
            problem.pop("request_id")
        assert foreign == missing
        assert foreign[0] == 404
