"""Answers of WeChat Pay that get lost or cannot be trusted: unknown is not failure, and the number stays the same."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from orchard.workflows.refund_settled import refund_order
from tests.support.scenario import RunningShop, Shopper, database_of

# Done at the platform, without an answer that could be trusted.
_LOST = ("error_after", "reset_after", "signature_missing", "signature_forged", "body_tampered")


def _calls(shop: RunningShop, number: str, kind: str) -> list[str]:
    rows = shop.rows(
        "SELECT c.state FROM payment_call c JOIN payment p ON p.id = c.payment_id"
        " WHERE p.order_number = %s AND c.kind = %s ORDER BY c.id",
        number,
        kind,
    )
    return [row["state"] for row in rows]


@pytest.mark.parametrize("fault", _LOST)
def test_a_prepay_without_an_answer_is_unknown_and_repeated_under_the_same_number(
    shop: RunningShop, shopper: Shopper, fault: str
) -> None:
    number = shopper.order(shop.shelf.sell())
    shop.wechat.misbehave(fault, call="prepay")
    status, problem = shopper.phone.attempt("POST", f"/orders/{number}/pay")
    assert status in {502, 503, 504}
    assert problem["code"]
    assert shop.payment(number)["state"] == "UNKNOWN"
    assert _calls(shop, number, "PREPAY") == ["UNKNOWN"]
    body = shop.payment(number)["prepay_body"]
    shopper.pay(number)
    shop.eventually(lambda: shopper.state(number) == "TO_SHIP")
    assert shop.payment(number)["prepay_body"] == body
    assert len(shop.at_wechat(number)) == 1
    assert set(_calls(shop, number, "PREPAY")) == {"DONE"}


def test_a_prepay_that_stalls_gives_the_shopper_an_answer_in_time(shop: RunningShop, shopper: Shopper) -> None:
    number = shopper.order(shop.shelf.sell())
    shop.wechat.misbehave("stall", call="prepay", value=12)
    status, _ = shopper.phone.attempt("POST", f"/orders/{number}/pay")
    assert status in {502, 503, 504}
    assert shop.payment(number)["state"] == "UNKNOWN"
    shopper.pay(number)
    shop.eventually(lambda: shopper.state(number) == "TO_SHIP")


def test_a_prepay_that_was_left_unknown_is_decided_by_the_sweep(shop: RunningShop, shopper: Shopper) -> None:
    number = shopper.order(shop.shelf.sell())
    shop.wechat.misbehave("reset_after", call="prepay")
    assert shopper.phone.attempt("POST", f"/orders/{number}/pay")[0] >= 500
    shop.let_pass(120, number)
    shop.fire("finish_open_intents")
    assert (shop.payment(number)["state"], _calls(shop, number, "PREPAY")) == ("PREPAID", ["DONE"])
    shopper.pay(number)
    shop.eventually(lambda: shopper.state(number) == "TO_SHIP")


def test_a_prepay_that_certainly_failed_may_be_tried_again_at_once(shop: RunningShop, shopper: Shopper) -> None:
    number = shopper.order(shop.shelf.sell())
    shop.wechat.misbehave("rate_limited", call="prepay", times=None)
    status, _ = shopper.phone.attempt("POST", f"/orders/{number}/pay")
    assert status == 503
    shop.wechat.behave()
    assert _calls(shop, number, "PREPAY") == ["NOT_DONE"]
    shopper.pay(number)
    shop.eventually(lambda: shopper.state(number) == "TO_SHIP")


@pytest.mark.parametrize("fault", ["error_after", "reset_after", "signature_missing"])
def test_a_close_without_an_answer_is_finished_and_releases_only_then(
    shop: RunningShop, shopper: Shopper, fault: str
) -> None:
    goods = shop.shelf.sell(stock=2)
    number = shopper.order(goods)
    shopper.sheet(number)
    shop.wechat.misbehave(fault, call="query", times=None)
    status, _ = shopper.phone.attempt("POST", f"/orders/{number}/cancel")
    assert status in {502, 503, 504}
    assert (shopper.state(number), shop.shelf.available(goods)) == ("PENDING_PAY", 1)
    shop.wechat.behave()
    shop.sweep(number)
    assert (shopper.state(number), shop.shelf.available(goods)) == ("CLOSED", 2)


def test_a_close_whose_answer_is_lost_is_settled_by_the_query_after_it(shop: RunningShop, shopper: Shopper) -> None:
    number = shopper.order(shop.shelf.sell())
    shopper.sheet(number)
    shop.wechat.misbehave("reset_after", call="close")
    assert shopper.phone.call("POST", f"/orders/{number}/cancel")["state"] == "CLOSED"


def _paid(shop: RunningShop, shopper: Shopper) -> str:
    number = shopper.order(shop.shelf.sell(price_fen=1500), 2)
    shopper.pay(number)
    shop.eventually(lambda: shopper.state(number) == "TO_SHIP")
    return number


@pytest.mark.parametrize("fault", ["error_after", "reset_after", "signature_missing"])
def test_a_refund_without_an_answer_is_asked_for_under_its_number_and_made_once(
    shop: RunningShop, shopper: Shopper, fault: str
) -> None:
    number = _paid(shop, shopper)
    shop.wechat.misbehave("notice_lost", call="refund_notice", times=None)
    shop.wechat.misbehave(fault, call="refund")
    asked = refund_order(shop.db, number, reason="缺货", key="all")
    shop.relay()
    (refund,) = shop.refunds(number)
    assert (refund["state"], refund["out_refund_no"]) == ("CREATED", asked.out_refund_no)
    assert refund["problem"]
    shop.wechat.deliver_notifications()
    shop.sweep(number)
    (refund,) = shop.refunds(number)
    assert (refund["state"], refund["out_refund_no"]) == ("SUCCESS", asked.out_refund_no)
    assert shopper.state(number) == "REFUNDED"
    made = [row for row in shop.wechat.ledger()["refunds"] if row["out_trade_no"] == number]
    assert [row["out_refund_no"] for row in made] == [asked.out_refund_no]


def test_a_refund_that_never_arrived_is_sent_again_unchanged(shop: RunningShop, shopper: Shopper) -> None:
    number = _paid(shop, shopper)
    shop.wechat.misbehave("reset_before", call="refund")
    asked = refund_order(shop.db, number, reason="缺货", key="all")
    shop.relay()
    assert shop.refunds(number)[0]["state"] == "CREATED"
    shop.sweep(number)
    shop.eventually(lambda: shopper.state(number) == "REFUNDED")
    assert [refund["out_refund_no"] for refund in shop.refunds(number)] == [asked.out_refund_no]


def test_a_short_balance_is_seen_by_an_operator_and_tried_again(shop: RunningShop, shopper: Shopper) -> None:
    number = _paid(shop, shopper)
    shop.wechat.misbehave("not_enough", call="refund", times=None)
    asked = refund_order(shop.db, number, reason="缺货", key="all")
    shop.relay()
    assert shop.alarms(asked.out_refund_no) == {"REFUND_NOT_ENOUGH"}
    assert shop.refunds(number)[0]["state"] == "CREATED"
    shop.sweep(number)
    assert shopper.state(number) == "TO_SHIP", "still short"
    shop.wechat.behave()
    shop.sweep(number)
    shop.eventually(lambda: shopper.state(number) == "REFUNDED")
    assert shop.alarms(asked.out_refund_no) == set()


@pytest.mark.parametrize("outcome", ["CLOSED", "ABNORMAL"])
def test_a_refund_that_fails_frees_its_amount_and_calls_an_operator(
    shop: RunningShop, shopper: Shopper, outcome: str
) -> None:
    number = _paid(shop, shopper)
    shop.wechat.misbehave("refund_outcome", call="refund", value=outcome)
    failed = refund_order(shop.db, number, reason="缺货", key="first")
    shop.relay()
    shop.eventually(lambda: shop.refunds(number)[0]["state"] == outcome)
    assert shop.alarms(failed.out_refund_no) == {f"REFUND_{outcome}"}
    assert shopper.state(number) == "TO_SHIP"
    if outcome == "CLOSED":
        shop.wechat.settings(minute_between_refunds=False)
        refund_order(shop.db, number, reason="缺货", key="second")
        shop.relay()
        shop.eventually(lambda: shopper.state(number) == "REFUNDED")
        shop.wechat.settings(minute_between_refunds=True)


def test_the_same_refund_asked_for_by_many_at_once_is_one(shop: RunningShop, shopper: Shopper) -> None:
    number = _paid(shop, shopper)

    def ask(_: int) -> str:
        own = database_of(shop.cloud)
        try:
            return refund_order(own, number, reason="缺货", key="tap").out_refund_no
        finally:
            own.discard()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(8)))) == 1
    shop.relay()
    shop.eventually(lambda: shopper.state(number) == "REFUNDED")
    assert len(shop.refunds(number)) == 1
