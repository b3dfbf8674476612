"""Functions whose clocks are wrong beside others whose clocks are right: the database's time rules."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.campaigns.field import Field, Phone
from tests.campaigns.race.scene import Scene
from tests.campaigns.skew.gateway import SkewedFunctions, skewed
from tests.campaigns.sometimes import sometimes
from tests.support.scenario import Shopper

_MINUTE, _DAY = 60, 86_400
# WeChat Pay takes what is at most five minutes old, so within that everything still works.
_TOLERATED = (-4 * _MINUTE, 4 * _MINUTE)
_BEYOND = (-3 * _DAY, 3 * _DAY)


@pytest.fixture(scope="module", params=[*_TOLERATED, *_BEYOND], ids=lambda seconds: f"{seconds:+}s")
def wrong(request: pytest.FixtureRequest, whole_field: Field) -> Iterator[tuple[int, SkewedFunctions]]:
    """Functions with a wrong clock, and how many seconds they are ahead."""
    with skewed(whole_field.cloud, request.param) as functions:
        yield request.param, functions


def _beside(shopper: Shopper, functions: SkewedFunctions) -> Shopper:
    """The same shopper, served by the functions whose clock is wrong."""
    return Shopper(Phone(functions.api_url, shopper.phone.token), shopper.openid, shopper.wechat)


def _logged_in(field: Field, functions: SkewedFunctions) -> Shopper:
    openid = str(field.wechat.create_shopper()["openid"])
    phone = Phone(functions.api_url)
    phone.log_in(field.wechat.login_code(openid))
    return Shopper(phone, openid, field.wechat)


def test_a_session_holds_wherever_it_was_opened(field: Field, wrong: tuple[int, SkewedFunctions]) -> None:
    _, functions = wrong
    there = _logged_in(field, functions)
    assert field.nobody(there.phone.token).call("GET", "/profile")["member_id"]
    here = field.shopper()
    assert _beside(here, functions).phone.call("GET", "/profile")["member_id"]


def test_deadlines_are_the_databases(field: Field, wrong: tuple[int, SkewedFunctions]) -> None:
    seconds, functions = wrong
    scene = Scene(field)
    late, early = scene.number, field.shopper().order(field.shelf.sell())
    functions.fire("close_unpaid_orders")
    functions.fire("expire_coupons")
    assert [field.state(number) for number in (late, early)] == ["PENDING_PAY", "PENDING_PAY"]
    assert field.coupons.state(scene.coupon_id) == "LOCKED"
    waiting = Scene(field)
    group_id = waiting.group_id(_leader(waiting))
    functions.fire("settle_group_buys")
    assert field.one("SELECT state FROM group_buy_group WHERE id = %s", int(group_id)) == "OPEN"
    never_prepaid = field.shopper().order(field.shelf.sell())
    field.expire(never_prepaid)
    functions.fire("close_unpaid_orders")
    assert field.state(never_prepaid) == "CLOSED"
    sometimes(f"clock: {seconds:+}s")


def _leader(scene: Scene) -> str:
    number = str(scene.shopper.phone.call("POST", "/orders", scene.group_draft)["order_number"])
    scene.shopper.pay(number)
    scene.field.wechat.deliver_notifications()
    return number


def test_a_purchase_at_a_wrong_clock_is_whole_or_refused(field: Field, wrong: tuple[int, SkewedFunctions]) -> None:
    seconds, functions = wrong
    goods = field.shelf.sell(price_fen=1200, stock=3)
    shopper = _beside(field.shopper(), functions)
    number = shopper.order(goods)
    status, answer = shopper.phone.attempt("POST", f"/orders/{number}/pay")
    if seconds in _TOLERATED:
        assert shopper.confirm(answer["parameters"]) == "requestPayment:ok"
        field.wechat.deliver_notifications()
        assert field.state(number) == "TO_SHIP"
    else:
        assert (status, field.state(number)) == (503, "PENDING_PAY"), answer
        # Functions whose clock is right finish what these could not.
        right = Shopper(field.nobody(shopper.phone.token), shopper.openid, field.wechat)
        field.let_pass(7200, number)
        field.fire("finish_open_intents")
        right.pay(number)
        field.wechat.deliver_notifications()
        assert field.state(number) == "TO_SHIP"


def test_a_notification_is_fresh_by_the_clock_of_who_reads_it(field: Field, wrong: tuple[int, SkewedFunctions]) -> None:
    seconds, functions = wrong
    shopper = field.shopper()
    number = shopper.order(field.shelf.sell(price_fen=800))
    field.wechat.misbehave("notice_lost", call="payment_notice")
    shopper.pay(number)
    notice = field.platform().told(field.wechat.ledger(), number)
    answer: Any = field.http().request(
        "POST", functions.callback_url + "/wechat-pay/payments", body=notice.body,
        headers={"content-type": "application/json", **notice.headers},
    )  # fmt: skip
    assert answer.status == (200 if seconds in _TOLERATED else 401), answer.data
    assert field.state(number) == ("TO_SHIP" if seconds in _TOLERATED else "PENDING_PAY")
    assert field.post(notice) == 200
    assert field.state(number) == "TO_SHIP"
