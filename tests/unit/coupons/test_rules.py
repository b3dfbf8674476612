"""Coupons on plain amounts: scope, rounding, caps, reasons, and the one spelling of a code."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchard.core.ids import random_text
from orchard.coupons.models import Coupon, CouponKind, CouponState, Scope, ScopeKind, Terms, Unusable
from orchard.coupons.rules import CODE_LENGTH, Item, assess, canonical_code, discount_fen, shown_code

ALL = Scope(ScopeKind.ALL)
FIVE_YUAN = Terms(CouponKind.AMOUNT, 500, 0, None, 0, ALL)
END = datetime(2030, 1, 1, tzinfo=UTC)


def coupon(terms: Terms = FIVE_YUAN, **fields: object) -> Coupon:
    plain = Coupon(1, 2, 1, CouponState.AVAILABLE, 1, "券", terms, True, False, END, False, None)
    return plain._replace(**fields)  # type: ignore[arg-type]  # tests name the fields they change


def percent(off: int, cap: int | None = None) -> Terms:
    return Terms(CouponKind.PERCENT, 0, off, cap, 0, ALL)


@pytest.mark.parametrize(
    ("terms", "eligible", "expected"),
    [
        (FIVE_YUAN, 499, 499),  # cut to what the goods cost, and that is what counts from then on
        (FIVE_YUAN, 501, 500),
        (percent(30), 1, 0),  # thirty percent of one fen: rounded down to nothing
        (percent(30), 999, 299),
        (percent(20, 100), 999, 100),
        (percent(20, 100), 400, 80),
        (percent(99), 100, 99),
    ],
)
def test_what_is_taken_off(terms: Terms, eligible: int, expected: int) -> None:
    assert discount_fen(terms, eligible) == expected


def test_scope_matches_categories_and_all_below_and_exclusions_win() -> None:
    fruit, citrus, apple = 1, 11, 12
    orange = Item(1, 101, frozenset({0, fruit, citrus}), 100)
    lemon = Item(2, 102, frozenset({0, fruit, citrus}), 100)
    gala = Item(3, 103, frozenset({0, fruit, apple}), 100)
    scopes = {
        Scope(ScopeKind.CATEGORIES, frozenset({fruit})): (1, 2, 3),
        Scope(ScopeKind.CATEGORIES, frozenset({citrus})): (1, 2),
        Scope(ScopeKind.CATEGORIES, frozenset({fruit}), frozenset({citrus})): (3,),
        Scope(ScopeKind.ALL, frozenset(), frozenset(), frozenset({101})): (2, 3),
        Scope(ScopeKind.PRODUCTS, frozenset({102, 103}), frozenset({apple})): (2,),
        Scope(ScopeKind.PRODUCTS, frozenset({999})): (),
    }
    for scope, expected in scopes.items():
        assert assess(coupon(FIVE_YUAN._replace(scope=scope)), [gala, orange, lemon]).sku_ids == expected


def test_the_threshold_looks_at_the_goods_in_scope_alone() -> None:
    orange, rice = Item(1, 101, frozenset({1}), 600), Item(2, 102, frozenset({2}), 5000)
    terms = FIVE_YUAN._replace(threshold_fen=1000, scope=Scope(ScopeKind.CATEGORIES, frozenset({1})))
    found = assess(coupon(terms), [orange, rice])
    assert (found.reason, found.missing_fen, found.eligible_fen) == (Unusable.BELOW_THRESHOLD, 400, 600)


def test_the_first_thing_in_the_way_is_the_reason() -> None:
    goods = [Item(1, 101, frozenset({1}), 1000)]
    far = FIVE_YUAN._replace(threshold_fen=1200)
    cases: list[tuple[Coupon, Unusable | None, int]] = [
        (coupon(), None, 0),
        (coupon(state=CouponState.LOCKED, ended=True), Unusable.LOCKED, 0),
        (coupon(state=CouponState.USED), Unusable.USED, 0),
        (coupon(state=CouponState.EXPIRED), Unusable.ENDED, 0),
        (coupon(ended=True), Unusable.ENDED, 0),
        (coupon(started=False), Unusable.NOT_STARTED, 0),
        (coupon(far), Unusable.BELOW_THRESHOLD, 200),
        (coupon(budgeted=True, budget_left_fen=499), Unusable.BUDGET_SPENT, 0),
        (coupon(budgeted=True, budget_left_fen=500), None, 0),
    ]
    for one, reason, missing in cases:
        found = assess(one, goods)
        assert (found.reason, found.missing_fen) == (reason, missing)
    assert assess(coupon(far), []).reason is Unusable.NO_MATCHING_GOODS
    assert assess(coupon(percent(30)), [Item(1, 101, frozenset(), 1)]).reason is Unusable.NO_SAVING


@given(st.text(max_size=40))
def test_no_text_breaks_the_reading_of_codes(text: str) -> None:
    found = canonical_code(text)
    assert found is None or canonical_code(found) == found


def test_a_code_has_one_spelling() -> None:
    for _ in range(50):
        code = random_text(CODE_LENGTH)
        assert canonical_code(code) == code == canonical_code(shown_code(code).lower())
    assert canonical_code("oooo-iiii-llll-2222") == "0000111111112222"
    for bad in ("", "0" * 15, "0" * 17, "U" * 16, "0000-0000-0000-00!0", "\u0000" * 16):
        assert canonical_code(bad) is None
