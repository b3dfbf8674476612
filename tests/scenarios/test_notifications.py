"""Notifications lost, late, doubled, out of order and forged: an order is paid by money, once, and by nothing else."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from orchard.payments.rules import QUERY_LADDER
from orchard.workflows.refund_settled import refund_order
from tests.support.scenario import RunningShop, Shopper


def _unheard(shop: RunningShop, shopper: Shopper, quantity: int = 1) -> str:
    """An order whose money came and of which nobody tells: every notification is lost."""
    number = shopper.order(shop.shelf.sell(price_fen=1500), quantity)
    shop.wechat.misbehave("notice_lost", call="payment_notice", times=None)
    shopper.pay(number)
    shop.wechat.deliver_notifications()
    assert shopper.state(number) == "PENDING_PAY"
    return number


def _climb(shop: RunningShop, number: str, seconds: int) -> tuple[str, int]:
    """Let time pass, run the job; the payment's state and how often WeChat was asked."""
    shop.let_pass(seconds, number)
    shop.fire("sync_payments")
    payment = shop.payment(number)
    return payment["state"], payment["query_attempt"]


def test_a_lost_notification_is_made_up_for_by_the_first_rung_of_the_ladder(
    shop: RunningShop, shopper: Shopper
) -> None:
    number = _unheard(shop, shopper)
    assert _climb(shop, number, 0) == ("PREPAID", 0), "nothing is due before ten seconds"
    assert _climb(shop, number, QUERY_LADDER[0]) == ("SUCCESS", 1)
    assert shopper.state(number) == "TO_SHIP"
    assert shop.payment(number)["next_query_at"] is None
    assert _climb(shop, number, QUERY_LADDER[-1]) == ("SUCCESS", 1)


def test_the_ladder_is_climbed_rung_by_rung_until_the_money_comes(shop: RunningShop, shopper: Shopper) -> None:
    number = shopper.order(shop.shelf.sell())
    parameters = shopper.sheet(number)
    shop.wechat.misbehave("notice_lost", call="payment_notice", times=None)
    before = 0
    for asked, rung in enumerate(QUERY_LADDER[:-1], 1):
        assert _climb(shop, number, rung - before) == ("PREPAID", asked)
        assert _climb(shop, number, 0) == ("PREPAID", asked), "each rung asks once"
        before = rung
    assert shopper.confirm(parameters) == "requestPayment:ok"
    assert _climb(shop, number, QUERY_LADDER[-1] - before) == ("SUCCESS", len(QUERY_LADDER))
    assert shopper.state(number) == "TO_SHIP"


def test_overlapping_runs_of_the_ladder_ask_once(shop: RunningShop, shopper: Shopper) -> None:
    number = _unheard(shop, shopper)
    shop.let_pass(QUERY_LADDER[0], number)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: shop.fire("sync_payments"), range(4)))
    assert shop.payment(number)["query_attempt"] == 1
    receipts = shop.rows(
        "SELECT r.source FROM payment_receipt r JOIN payment p ON p.id = r.payment_id WHERE p.order_number = %s", number
    )
    assert [receipt["source"] for receipt in receipts] == ["QUERY"]


def test_coming_back_from_payment_asks_wechat_whatever_the_client_claims(shop: RunningShop, shopper: Shopper) -> None:
    number = shopper.order(shop.shelf.sell())
    shopper.sheet(number)
    claimed = shopper.phone.call("POST", f"/orders/{number}/confirm-payment")
    assert (claimed["state"], claimed["paid"]) == ("PENDING_PAY", False)
    shop.wechat.misbehave("notice_lost", call="payment_notice", times=None)
    shopper.pay(number)
    told = shopper.phone.call("POST", f"/orders/{number}/confirm-payment")
    assert (told["state"], told["paid"]) == ("TO_SHIP", True)


def test_money_for_an_order_that_was_closed_meanwhile_goes_back_by_itself(shop: RunningShop, shopper: Shopper) -> None:
    goods = shop.shelf.sell(price_fen=1500, stock=5)
    number = shopper.order(goods)
    parameters = shopper.sheet(number)
    # The platform believes the order closed a moment too early; the shopper's sheet is still open.
    closed = {"status": 400, "code": "ORDER_CLOSED", "message": "订单已关闭"}
    shop.wechat.misbehave("pay_error", call="query", value=closed)
    assert shopper.phone.call("POST", f"/orders/{number}/cancel")["state"] == "CLOSED"
    assert shopper.confirm(parameters) == "requestPayment:ok"
    shop.eventually(lambda: "SURPLUS" in shop.alarms(number))
    assert (shopper.state(number), shop.shelf.available(goods)) == ("CLOSED", 5)
    shop.relay()
    shop.eventually(lambda: [refund["state"] for refund in shop.refunds(number)] == ["SUCCESS"])
    assert shop.refunds(number)[0]["amount_fen"] == shop.payment(number)["amount_fen"]
    assert (shopper.state(number), shop.shelf.available(goods)) == ("CLOSED", 5)
    assert shop.alarms(number) == set()


def _paid_notice(shop: RunningShop, shopper: Shopper, number: str, **changes: Any) -> Any:
    platform = shop.platform()
    content = platform.payment(number, shopper.openid, shop.payment(number)["amount_fen"], **changes)
    return platform.notice("transaction", content)


def test_one_notification_twenty_times_at_once_pays_once(shop: RunningShop, shopper: Shopper) -> None:
    goods = shop.shelf.sell(price_fen=1500, stock=5)
    number = shopper.order(goods)
    shop.wechat.misbehave("notice_lost", call="payment_notice", times=None)
    shopper.pay(number)
    (paid,) = shop.at_wechat(number)
    notice = _paid_notice(shop, shopper, number, transaction_id=paid["transaction_id"])
    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(lambda _: shop.post(notice), range(20))) == {200}
    assert shopper.state(number) == "TO_SHIP"
    assert shop.shelf.available(goods) == 4
    assert shop.one("SELECT COUNT(*) FROM outbox WHERE topic = 'order.paid' AND subject = %s", number) == 1
    assert len(shop.rows("SELECT id FROM callback_inbox WHERE subject = %s", number)) == 1


def test_the_platforms_own_doubles_and_repeats_change_nothing(shop: RunningShop, shopper: Shopper) -> None:
    number = shopper.order(shop.shelf.sell())
    shop.wechat.misbehave("notice_doubled", call="payment_notice", value="parallel", times=2)
    shop.wechat.misbehave("notice_ack_lost", call="payment_notice")
    shopper.pay(number)
    shop.eventually(lambda: shopper.state(number) == "TO_SHIP")
    shop.wechat.advance(15)
    shop.eventually(lambda: _deliveries(shop, number) >= 3)
    assert [step["to_state"] for step in shopper.phone.call("GET", f"/orders/{number}")["history"]] == [
        "PENDING_PAY", "PAID", "TO_SHIP",
    ]  # fmt: skip


def _deliveries(shop: RunningShop, number: str) -> int:
    (transaction,) = shop.at_wechat(number)
    told = json.dumps
    return sum(
        len(notice["deliveries"])
        for notice in shop.wechat.notices()
        if number in told(notice) or transaction["transaction_id"] in told(notice)
    )


def test_a_refund_that_is_told_before_its_payment_asks_for_the_payment_first(
    shop: RunningShop, shopper: Shopper
) -> None:
    number = _unheard(shop, shopper)
    (paid,) = shop.at_wechat(number)
    refunded = _refund_in_the_console(shop, paid)
    notice = shop.platform().notice("refund", refunded)
    assert shop.post(notice) == 200
    assert shopper.state(number) in {"TO_SHIP", "REFUNDED"}
    assert [refund["kind"] for refund in shop.refunds(number)] == ["EXTERNAL"]
    shop.eventually(lambda: shop.state(number) == "REFUNDED")


def _refund_in_the_console(shop: RunningShop, paid: dict[str, Any]) -> dict[str, Any]:
    """Refund at the platform without the shop's knowledge; what a notification says of it."""
    from orchard.gateways.wechat_pay import MerchantKeys, RefundRequest, WeChatPayClient

    held = shop.cloud.merchant
    keys = MerchantKeys(
        merchant_id=held["mchid"],
        app_id=held["app_id"],
        merchant_serial=held["merchant_serial"],
        merchant_private_key=held["merchant_private_key"],
        api_v3_key=held["api_v3_key"],
        platform_public_keys=held["platform_public_keys"],
    )
    out_refund_no = f"CONSOLE{paid['transaction_id'][-12:]}"
    client = WeChatPayClient(keys, shop.cloud.sandbox_url, reload_keys=lambda: held["platform_public_keys"])
    result = client.refund(
        RefundRequest(
            out_trade_no=paid["out_trade_no"], out_refund_no=out_refund_no, refund_fen=paid["paid_fen"],
            total_fen=paid["paid_fen"], notify_url=f"{shop.cloud.callback_url}/wechat-pay/refunds", reason="手工退款",
        )
    )  # fmt: skip
    row = {"amount_fen": paid["paid_fen"], "order_number": paid["out_trade_no"], "out_refund_no": out_refund_no}
    content = shop.platform().refund(row, paid["transaction_id"], paid["paid_fen"], "SUCCESS")
    return {**content, "refund_id": result.refund_id}


def test_a_whole_refund_told_backwards_ends_refunded(shop: RunningShop, shopper: Shopper) -> None:
    number = shopper.order(shop.shelf.sell())
    shopper.pay(number)
    shop.eventually(lambda: shopper.state(number) == "TO_SHIP")
    shop.wechat.misbehave("notices_reordered", times=None)
    refund_order(shop.db, number, reason="缺货", key="whole")
    shop.relay()
    shop.eventually(lambda: shopper.state(number) == "REFUNDED")


_FORGERIES = ("notice_forged", "notice_tampered", "notice_unknown_serial", "notice_wrong_api_key", "notice_aged")
_WRONG = {
    "notice_wrong_amount": "WRONG_AMOUNT",
    "notice_wrong_mchid": "FOREIGN_MERCHANT",
    "notice_wrong_appid": "FOREIGN_MERCHANT",
    "notice_wrong_trade_no": "UNKNOWN_ORDER",
}


@pytest.mark.parametrize("forgery", _FORGERIES)
def test_what_is_not_well_signed_is_refused_and_forgotten(shop: RunningShop, shopper: Shopper, forgery: str) -> None:
    number = shopper.order(shop.shelf.sell())
    shop.wechat.misbehave(forgery, call="payment_notice", times=None)
    shopper.pay(number)
    shop.eventually(lambda: _statuses(shop, number) != [])
    assert set(_statuses(shop, number)) == {401}
    assert shopper.state(number) == "PENDING_PAY"
    assert shop.rows("SELECT id FROM callback_inbox WHERE subject = %s", number) == []
    shop.wechat.behave()
    shop.wechat.advance(15)
    shop.eventually(lambda: shopper.state(number) == "TO_SHIP")


def _statuses(shop: RunningShop, number: str) -> list[int]:
    """What the shop answered to the notifications of this order, oldest first."""
    (paid,) = shop.at_wechat(number)
    names = (number, paid["transaction_id"])
    notices = [notice for notice in shop.wechat.notices() if any(name in json.dumps(notice) for name in names)]
    return [delivery["status"] for notice in notices for delivery in notice["deliveries"]]


@pytest.mark.parametrize("wrong", list(_WRONG))
def test_what_is_well_signed_but_does_not_fit_calls_an_operator(
    shop: RunningShop, shopper: Shopper, wrong: str
) -> None:
    number = shopper.order(shop.shelf.sell())
    mark = shop.one("SELECT COALESCE(SUM(times), 0) FROM payment_exception WHERE kind = %s", _WRONG[wrong])
    shop.wechat.misbehave(wrong, call="payment_notice", times=None)
    shopper.pay(number)
    shop.eventually(lambda: _statuses(shop, number) != [])
    assert set(_statuses(shop, number)) == {400}
    assert shopper.state(number) == "PENDING_PAY"
    assert shop.one("SELECT SUM(times) FROM payment_exception WHERE kind = %s", _WRONG[wrong]) > mark
    shop.wechat.behave()
    shop.wechat.advance(15)
    shop.eventually(lambda: shopper.state(number) == "TO_SHIP")


def test_the_platforms_probe_is_refused_and_the_genuine_one_taken(shop: RunningShop, shopper: Shopper) -> None:
    number = shopper.order(shop.shelf.sell())
    shop.wechat.misbehave("notice_probe", call="payment_notice")
    shopper.pay(number)
    shop.eventually(lambda: shopper.state(number) == "TO_SHIP")
    assert _statuses(shop, number) == [401, 200]


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "localhost"},
        {"x-forwarded-for": "127.0.0.1", "x-forwarded-host": "localhost"},
        {"forwarded": "for=::1"},
    ],
)
def test_no_header_stands_in_for_a_signature(shop: RunningShop, shopper: Shopper, headers: dict[str, str]) -> None:
    number = shopper.order(shop.shelf.sell())
    shopper.sheet(number)
    notice = _paid_notice(shop, shopper, number)
    unsigned = {name: "" for name in notice.headers if name.lower() == "wechatpay-signature"}
    assert shop.post(notice, **unsigned, **headers) == 401
    assert shopper.state(number) == "PENDING_PAY"
