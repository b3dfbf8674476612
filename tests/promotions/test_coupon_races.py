"""Races for coupons at 64 connections, on servers that refuse lost updates by themselves and on ones that do not."""

import secrets
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from orchard.audit import invariants
from orchard.core.errors import AppError, TooManyRequests
from orchard.coupons.models import CouponCodeRefused, CouponNotClaimable
from orchard.coupons.service import claiming, codes
from orchard.coupons.service.ending import expire_coupons
from orchard.orders.schemas.placing import OrderDraft, QuoteRequest
from orchard.orders.service import ever_paid_statement, transitions
from orchard.orders.service import place as placing
from orchard.orders.service import quote as quoting
from orchard.runtime.database import Connection, connection
from orchard.runtime.jobs import TimeLeft
from orchard.runtime.sessions import MemberSession
from tests.support import database
from tests.support.coupons import Coupons
from tests.support.races import errors, race, values
from tests.support.shop import Shop, Shoppers

QUOTA, GRABS, LIMIT = 1_000, 10_000, 3
_OF_MONEY = ("M", "X1", "X2")


@pytest.fixture
def db(server: tuple[list[str], Any]) -> Iterator[Connection]:
    names, seeds = server
    database.empty(connection, names, seeds)
    yield connection
    found = invariants.check(connection, settled=False)
    # Orders are paid here without money, so that nothing but the order's own lock stands between the racers.
    assert [str(violation) for violation in found if not violation.code.startswith(_OF_MONEY)] == []


def _claim(link: Connection, member_id: int, template_id: int) -> int:
    paid = ever_paid_statement(member_id)
    return link.run(lambda tx: claiming.claim_coupon(tx, member_id, template_id, paid)).coupon_id


def test_ten_thousand_grabs_of_a_thousand_coupons(coupons: Coupons, db: Connection) -> None:
    template_id = coupons.offer(quota=QUOTA, per_member_limit=LIMIT)
    # 400 members tap 25 times each: the coupons, the shares and the quota are all fought for.
    attempts = [n % 400 + 1 for n in range(GRABS)]
    outcomes = race(attempts, lambda link, member_id: _claim(link, member_id, template_id))
    assert len(values(outcomes)) == QUOTA
    refused = errors(outcomes)
    assert {type(error) for error in refused} == {CouponNotClaimable}
    assert {error.details["reason"] for error in refused if isinstance(error, AppError)} == {
        "sold_out",
        "limit_reached",
    }
    held = Counter(outcome.attempt for outcome in outcomes if outcome.error is None)
    assert max(held.values()) <= LIMIT
    assert coupons.template(template_id)["issued"] == QUOTA


def test_one_member_at_sixty_four_doors_gets_their_share_and_no_more(coupons: Coupons, db: Connection) -> None:
    template_id = coupons.offer(per_member_limit=5)
    outcomes = race([77] * 64, lambda link, member_id: _claim(link, member_id, template_id))
    assert len(values(outcomes)) == 5
    slots = db.run(lambda tx: tx.rows("SELECT slot FROM coupon ORDER BY slot"))
    assert [row["slot"] for row in slots] == [1, 2, 3, 4, 5]


def _draft(link: Connection, member: MemberSession, body: dict[str, Any]) -> OrderDraft:
    request = QuoteRequest.model_validate(body)
    digest = link.run(lambda tx: quoting.quote_order(tx, member, request)).digest
    return OrderDraft.model_validate({**body, "quote_digest": digest})


def _body(shop: Shop, sku_id: int, **more: Any) -> dict[str, Any]:
    store_id = str(shop.open_store())
    lines = [{"sku_id": str(sku_id), "quantity": 1}]
    return {"lines": lines, "delivery": {"method": "pickup", "store_id": store_id}, **more}


def test_one_coupon_in_a_hundred_parallel_orders_is_used_once(
    coupons: Coupons, shop: Shop, shopper: Shoppers, db: Connection
) -> None:
    me, goods = shopper(), shop.sell(price_fen=2000, stock=1000)
    member = MemberSession(member_id=me.member_id, session_id=0)
    coupon_id = _claim(db, me.member_id, coupons.offer(budget_fen=50_000))
    draft = _draft(db, member, _body(shop, goods.sku_id, coupon_id=str(coupon_id)))
    outcomes = race(range(100), lambda link, _: link.run(lambda tx: placing.place_order(tx, member, draft)))
    assert len(values(outcomes)) == 1
    # The others were shown a new quote, or read the coupon when it was locked already.
    assert {type(error) for error in errors(outcomes)} <= {placing.QuoteChanged, placing.OrderNotPlaceable}
    assert coupons.state(str(coupon_id)) == "LOCKED"
    assert shop.available(goods) == 999


def test_a_budget_pays_for_exactly_what_it_holds(
    coupons: Coupons, shop: Shop, shopper: Shoppers, db: Connection
) -> None:
    goods = shop.sell(price_fen=2000, stock=1000)
    template_id = coupons.offer(amount_fen=500, budget_fen=10 * 500 + 499)
    body = _body(shop, goods.sku_id)
    drafts = []
    for _ in range(48):
        member = MemberSession(member_id=shopper().member_id, session_id=0)
        coupon_id = _claim(db, member.member_id, template_id)
        drafts.append((member, _draft(db, member, {**body, "coupon_id": str(coupon_id)})))
    outcomes = race(drafts, lambda link, pair: link.run(lambda tx: placing.place_order(tx, *pair)))
    assert len(values(outcomes)) == 10
    # The others are shown a new quote, by the claim itself and not by the schema's last defence.
    assert {type(error) for error in errors(outcomes)} == {placing.QuoteChanged}
    assert coupons.template(template_id)["budget_spent_fen"] == 5000


def test_paying_closing_and_sweeping_at_once_settle_a_coupon_once(
    coupons: Coupons, shop: Shop, shopper: Shoppers, db: Connection
) -> None:
    goods = shop.sell(price_fen=2000, stock=1000)
    template_id, body = coupons.offer(budget_fen=10**6), _body(shop, goods.sku_id)
    numbers = []
    for _ in range(30):
        member = MemberSession(member_id=shopper().member_id, session_id=0)
        coupon_id = _claim(db, member.member_id, template_id)
        draft = _draft(db, member, {**body, "coupon_id": str(coupon_id)})
        numbers.append(db.run(lambda tx, m=member, d=draft: placing.place_order(tx, m, d)).order_number)  # type: ignore[misc]

    def move(link: Connection, attempt: tuple[str, str]) -> None:
        number, way = attempt
        if way == "sweep":
            expire_coupons(link, TimeLeft(None))
        else:
            link.run(lambda tx: _settle(tx, number, way))

    attempts = [(number, way) for number in numbers for way in ("pay", "close", "close", "sweep")]
    outcomes = race(attempts, move)
    settled = [outcome for outcome in outcomes if outcome.error is None and outcome.attempt[1] != "sweep"]
    assert sorted(outcome.attempt[0] for outcome in settled) == sorted(numbers)
    states = Counter(row["state"] for row in db.run(lambda tx: tx.rows("SELECT state FROM coupon")))
    assert states["USED"] == sum(outcome.attempt[1] == "pay" for outcome in settled)
    assert states["USED"] + states["AVAILABLE"] == 30


def _settle(tx: Any, number: str, way: str) -> None:
    order = transitions.locked_order(tx, number)
    assert order is not None
    if way == "pay":
        transitions.record_payment(tx, order)
    else:
        transitions.close(tx, [order], "cancelled")


def test_one_code_at_sixty_four_doors_gives_one_coupon(coupons: Coupons, db: Connection) -> None:
    template_id = coupons.offer(channel="CODE")
    (code,) = db.run(lambda tx: codes.generate_codes(tx, template_id, 1)).codes

    def redeem(link: Connection, member_id: int) -> int:
        return codes.redeem_coupon_code(link, member_id, code, ever_paid_statement(member_id)).coupon_id

    outcomes = race(range(1, 65), redeem)
    assert len(values(outcomes)) == 1
    assert {type(error) for error in errors(outcomes)} == {CouponCodeRefused}
    # The winner's own repetitions, sent at the same time as theirs, are all answered with the one coupon.
    (second,) = db.run(lambda tx: codes.generate_codes(tx, template_id, 1)).codes
    again = race([900] * 8, lambda link, m: codes.redeem_coupon_code(link, m, second, ever_paid_statement(m)).coupon_id)
    assert len(values(again)) == 8
    assert len(set(values(again))) == 1


def test_parallel_guesses_count_every_one(coupons: Coupons, db: Connection) -> None:
    def guess(link: Connection, _: int) -> None:
        codes.redeem_coupon_code(link, 7, secrets.token_hex(8), ever_paid_statement(7))

    kinds = Counter(type(error) for error in errors(race(range(64), guess)))
    assert kinds[CouponCodeRefused] == codes.TRIES_PER_WINDOW
    assert sum(n for kind, n in kinds.items() if issubclass(kind, TooManyRequests)) == 64 - codes.TRIES_PER_WINDOW


def test_two_sweeps_at_once_expire_each_coupon_once(coupons: Coupons, db: Connection) -> None:
    template_id = coupons.offer(per_member_limit=50)
    for member_id in range(1, 11):
        for _ in range(50):
            _claim(db, member_id, template_id)
    coupons.change("UPDATE coupon SET starts_at = UTC_TIMESTAMP(6) - INTERVAL 2 HOUR,"
                   " ends_at = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND")  # fmt: skip
    outcomes = race(range(8), lambda link, _: expire_coupons(link, TimeLeft(None)))
    assert errors(outcomes) == []
    assert sum(counts["expired"] for counts in values(outcomes)) == 500
