"""The wires to database and WeChat Pay break everywhere: callers repeat, and everything happens exactly once."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from tests.campaigns.plan import Plan, plan
from tests.campaigns.sometimes import sometimes
from tests.support import lives
from tests.support.caller import Life
from tests.support.faulty import FaultyCloud
from tests.support.mysql_wire import ends_with_commit
from tests.support.scenario import RunningShop
from tests.support.tcp_relay import Trouble

_COURSES = [
    lives.bought_and_refunded, lives.cancelled, lives.code_redeemed, lives.group_failed, lives.kept_house,
    lives.left_unknown, lives.logged_in, lives.phone_bound, lives.unheard,
]  # fmt: skip
_COMMITS = [(course, trouble) for course in _COURSES for trouble in (Trouble.CUT_ANSWER, Trouble.CUT_REQUEST)]
_ANYWHERE = [
    (course, trouble)
    for course in (lives.bought_and_refunded, lives.cancelled, lives.group_failed)
    for trouble in (Trouble.HALF_ANSWER, Trouble.CUT_REQUEST, Trouble.TRICKLE, Trouble.REFUSE)
]
# How a call to WeChat Pay is known on the wire, and a course of business that makes it.
_CALLS: dict[bytes, Callable[..., None]] = {
    b"POST /v3/pay/transactions/jsapi": lives.bought_and_refunded,
    b"POST /v3/refund/domestic/refunds": lives.bought_and_refunded,
    b"GET /v3/pay/transactions/out-trade-no/": lives.unheard,
    b"/close HTTP/1.1": lives.cancelled,
}
_TO_WECHAT = [
    (call, trouble)
    for call in _CALLS
    for trouble in (Trouble.CUT_REQUEST, Trouble.CUT_ANSWER, Trouble.HALF_ANSWER, Trouble.TRICKLE, Trouble.REFUSE)
]
_ENDLESS = 10_000


def _name(value: Any) -> str:
    return str(getattr(value, "__name__", str(value).strip("b'/").replace("/", ".")))


def _share(name: str, cases: list[Any], count: int) -> list[Any]:
    """All cases in a full campaign, else a few."""
    return cases if plan().full else plan().dice(name).sample(cases, count)


def _sometimes_commit(dice: Random) -> Callable[[bytes], bool]:
    return lambda request: ends_with_commit(request) and dice.random() < 0.3


@pytest.mark.parametrize(("course", "trouble"), _share("commits", _COMMITS, 6), ids=_name)
def test_commits_that_nobody_hears_of_are_found_by_whoever_repeats(
    faulty: FaultyCloud, shop: RunningShop, campaign: Plan, course: Any, trouble: Trouble
) -> None:
    strikes = _sometimes_commit(campaign.dice(f"{course.__name__} {trouble}"))
    broken = []
    course(shop, lambda: broken.append(faulty.database.plan(trouble, strikes, _ENDLESS)))
    assert broken[0].hits or not campaign.full or course in {lives.logged_in, lives.phone_bound}
    if broken[0].hits:
        sometimes(f"commit {trouble}: {course.__name__}")


@pytest.mark.parametrize(("course", "trouble"), _share("wire to the database", _ANYWHERE, 2), ids=_name)
def test_a_wire_to_the_database_that_breaks_anywhere(
    faulty: FaultyCloud, shop: RunningShop, campaign: Plan, course: Any, trouble: Trouble
) -> None:
    dice, broken = campaign.dice(f"anywhere {course.__name__} {trouble}"), []

    def break_it() -> None:
        broken.append(faulty.database.plan(trouble, lambda _: dice.random() < 0.15, _ENDLESS))
        faulty.database.cut_all()

    course(shop, break_it)
    assert broken[0].hits, "nothing was struck"
    sometimes(f"database wire {trouble}")


@pytest.mark.parametrize(("call", "trouble"), _share("wire to WeChat Pay", _TO_WECHAT, 4), ids=_name)
def test_a_wire_to_wechat_pay_that_breaks_leaves_nothing_to_chance(
    faulty: FaultyCloud, shop: RunningShop, call: bytes, trouble: Trouble
) -> None:
    broken = []

    def break_it() -> None:
        # A refused connection has sent nothing by which its call could be known.
        strikes = (lambda _: True) if trouble is Trouble.REFUSE else (lambda request: call in request)
        broken.append(faulty.wechat_pay.plan(trouble, strikes, times=2))
        faulty.wechat_pay.cut_all()

    _CALLS[call](shop, break_it)
    assert broken[0].hits, "nothing was struck"
    sometimes(f"WeChat Pay wire {trouble}")


def _order(life: Life, body: dict[str, Any], key: str) -> tuple[int, Any]:
    return life.shopper.phone.attempt("POST", "/orders", body, key=key)


@pytest.mark.parametrize("trouble", _share("stalls", [Trouble.STALL_ANSWER, Trouble.STALL_REQUEST], 1))
def test_a_database_that_stalls_is_answered_before_the_function_runs_out_of_time(
    faulty: FaultyCloud, shop: RunningShop, trouble: Trouble
) -> None:
    life = Life(shop, lambda: None)
    body, key = life.agreed(), "stalled-order"
    stalled = faulty.database.plan(trouble, ends_with_commit)
    status, problem = _order(life, body, key)
    # The gateway would say 500 of a function that was stopped.
    assert (status, problem["code"]) == (503, "unavailable")
    assert stalled.hits == 1
    faulty.heal()
    life.number = life.call("POST", "/orders", body, key)["order_number"]
    life.assert_stock("RESERVE")
    sometimes(f"database {trouble}")


@pytest.mark.parametrize("trouble", [Trouble.CUT_ANSWER, *([Trouble.STALL_ANSWER] if plan().full else [])])
def test_a_prepay_that_nobody_heard_the_answer_of_is_unknown_until_a_query_decides(
    faulty: FaultyCloud, shop: RunningShop, trouble: Trouble
) -> None:
    life = Life(shop, lambda: None)
    life.place(life.agreed())
    # What is pooled would be tried a second time.
    faulty.wechat_pay.cut_all()
    lost = faulty.wechat_pay.plan(trouble, lambda request: b"/v3/pay/transactions/jsapi" in request, times=2)
    status, problem = life.shopper.phone.attempt("POST", f"/orders/{life.number}/pay")
    assert (status, problem["code"]) == (503, "counterparty_unknown")
    assert lost.hits == 1
    assert shop.payment(life.number)["state"] == "UNKNOWN"
    faulty.heal()
    shop.let_pass(120, life.number)
    life.fire("finish_open_intents")
    assert shop.payment(life.number)["state"] == "PREPAID"
    life.pay()
    life.heard()
    life.assert_paid_once()
    sometimes(f"WeChat Pay {trouble}")
