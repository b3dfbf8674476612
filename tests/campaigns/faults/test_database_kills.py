"""MariaDB killed under load: what was acknowledged is there, and every unknown outcome is settled by the same key."""

import time

import pytest

from orchard.payments.rules import QUERY_LADDER
from tests.campaigns.plan import Plan
from tests.campaigns.sometimes import sometimes
from tests.support import books
from tests.support.coupons import Coupons
from tests.support.faulty import FaultyCloud
from tests.support.load import CLAIMS_PER_TEMPLATE, Load
from tests.support.scenario import RunningShop

_SHOPPERS, _TEMPLATES = 4, 10
_STOCK = 1_000_000
_NAMES = ("order_number", "coupon_id")
_MOST_RETRIES = 20
_PATIENCE_SECONDS = 300.0


def test_killing_the_database_under_load_loses_nothing_that_was_acknowledged(
    faulty: FaultyCloud, shop: RunningShop, campaign: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    templates = [Coupons(shop.db).offer(per_member_limit=CLAIMS_PER_TEMPLATE) for _ in range(_TEMPLATES)]
    load = Load(shop, shop.shelf.sell(stock=_STOCK), templates)
    kills = _run_under_kills(faulty, load, campaign)
    unknown, acknowledged = load.unknown, load.acknowledged
    assert unknown, "no kill struck a request: the load proves nothing"
    _assert_kept(load)
    # Whole or absent: no invariant may tell the difference before anybody has repeated anything.
    books.assert_sound(shop.db)
    appeared = sum(len(load.there(names) - load.ids(names)) for names in _NAMES)

    for attempt in load.attempts:
        assert any(attempt.send() for _ in range(_MOST_RETRIES)), "a key whose outcome cannot be found out"
    _assert_exactly_what_was_asked(load)
    paid = _assert_paid(load)
    if appeared:
        sometimes("database kill: committed without an answer")
    sometimes("database kill: under load")
    with capsys.disabled():
        print(
            f"\n  database kills {kills}, acknowledged {len(acknowledged)}, unknown {len(unknown)} (of these committed"
            f" {appeared}), repeated {len(load.attempts)}, paid {paid}, lost 0"
        )


def _run_under_kills(faulty: FaultyCloud, load: Load, campaign: Plan) -> int:
    """Kill at random moments, each time with work done since the last; how often."""
    dice, wanted = campaign.dice("database kills"), 50 if campaign.full else 4
    with load.running(_SHOPPERS):
        for _ in range(wanted):
            before = len(load.acknowledged)
            load.shop.eventually(lambda n=before: len(load.acknowledged) > n + 5 or bool(load.errors))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
            time.sleep(dice.uniform(0, 0.5))
            faulty.cloud.mariadb.kill()
            faulty.cloud.mariadb.start()
    return wanted


def _assert_kept(load: Load) -> None:
    for names in _NAMES:
        assert load.ids(names) <= load.there(names), "lost although it was acknowledged"


def _assert_exactly_what_was_asked(load: Load) -> None:
    for names in _NAMES:
        asked = [attempt.answered for attempt in load.attempts if attempt.names == names]
        assert len(set(asked)) == len(asked), "two keys share an answer"
        assert load.there(names) == set(asked), "something that no key asked for"
    assert load.shop.shelf.available(load.goods) == _STOCK - len(load.ids("order_number"))


def _assert_paid(load: Load) -> int:
    """Money that WeChat took while nobody could be told pays its order all the same; how many were paid."""
    shop, paid = load.shop, [attempt.answered for attempt in load.attempts if attempt.paid]
    assert paid
    for number in paid:
        shop.let_pass(QUERY_LADDER[-1], number)
    shop.wechat.deliver_notifications()
    for _ in range(1 + len(paid) // 100):
        shop.fire("finish_open_intents")
        shop.fire("sync_payments")
    assert {shop.state(number) for number in paid} == {"TO_SHIP"}
    shop.fire("relay_outbox")
    shop.eventually(lambda: shop.cloud.waiting_messages() == 0, _PATIENCE_SECONDS)
    return len(paid)
