"""Random carts, coupons and refunds: sums exact, never dearer, lines in any order, refunds exact in any split."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from orchard.catalog.models import SkuSnapshot
from orchard.coupons.models import Coupon, CouponKind, CouponState, Scope, ScopeKind, Terms, Unusable
from orchard.orders.campaigns import coupon as adapter
from orchard.payments import rules as refunds
from orchard.payments.models import RefundUnits
from orchard.pricing.models import (
    NATIONAL,
    ChargeBy,
    Delivery,
    FreeRow,
    FreightBook,
    FreightRate,
    FreightTemplate,
    PricedOrder,
    PricingLine,
    StepName,
)
from orchard.pricing.rules import pipeline
from orchard.pricing.rules.pipeline import Draft, Step
from orchard.pricing.service import digest, price, trial
from tests.support.skus import snapshot

END = datetime(2030, 1, 1, tzinfo=UTC)
CATEGORIES = {sku_id: frozenset({0, sku_id % 3 + 1, sku_id % 5 + 10}) for sku_id in range(1, 31)}

carts = st.lists(
    st.builds(
        lambda n, fen, quantity, methods: PricingLine(
            snapshot(n, fen, delivery_methods=methods)._replace(category_id=n), quantity
        ),
        st.integers(1, 30),
        st.integers(0, 5000) | st.integers(0, 9),
        st.integers(1, 99),
        st.sampled_from([frozenset({"express", "pickup", "local"}), frozenset({"pickup"})]),
    ),
    min_size=1,
    max_size=10,
    unique_by=lambda line: line.sku.sku_id,
)
some_ids = st.frozensets(st.integers(1, 15), max_size=3)
scopes = st.one_of(
    st.builds(lambda categories: Scope(ScopeKind.ALL, frozenset(), categories), some_ids),
    st.builds(lambda ids, categories: Scope(ScopeKind.CATEGORIES, ids, categories), some_ids, some_ids),
    st.builds(
        lambda ids, gone: Scope(ScopeKind.PRODUCTS, ids, frozenset(), gone),
        st.frozensets(st.integers(10_001, 10_030), max_size=12),
        st.frozensets(st.integers(10_001, 10_030), max_size=3),
    ),
)
terms = st.one_of(
    st.builds(
        lambda fen, threshold, scope: Terms(CouponKind.AMOUNT, fen, 0, None, threshold, scope),
        st.integers(1, 30_000),
        st.just(0) | st.integers(0, 60_000),
        scopes,
    ),
    st.builds(
        lambda off, cap, threshold, scope: Terms(CouponKind.PERCENT, 0, off, cap, threshold, scope),
        st.integers(1, 99),
        st.none() | st.integers(1, 5000),
        st.just(0) | st.integers(0, 60_000),
        scopes,
    ),
)
wallets = st.lists(terms, min_size=1, max_size=6).map(
    lambda found: [
        Coupon(n, n, 1, CouponState.AVAILABLE, 1, "券", one, True, False, END + timedelta(days=n % 2), False, None)
        for n, one in enumerate(found, start=1)
    ]
)
rate = FreightRate(first_units=2000, first_fee_fen=800, step_units=1000, step_fee_fen=200)
free_rows = st.dictionaries(
    st.sampled_from([NATIONAL, "440000"]), st.builds(FreeRow, st.integers(0, 20), st.integers(0, 50_000)), max_size=2
)
books = st.builds(
    lambda threshold, rows: FreightBook(
        3, free_threshold_fen=threshold, default_template_id=1,
        templates={1: FreightTemplate(1, "快递", ChargeBy.WEIGHT, {NATIONAL: rate}, rows)},
    ),
    st.none() | st.integers(0, 50_000),
    free_rows,
)  # fmt: skip
deliveries = st.one_of(
    st.sampled_from([None, Delivery("pickup"), Delivery("express", "440305")]),
    st.builds(Delivery, st.just("local"), st.none(), st.just(500), st.integers(0, 20_000)),
)


def before(amount_fen: int) -> dict[StepName, Step]:
    """A campaign of an earlier place, so that coupons are judged on what it leaves."""

    def take_off(draft: Draft) -> Draft:
        chosen = [line.sku.sku_id for line in draft.lines if line.sku.sku_id % 2]
        if not chosen:
            return draft
        return pipeline.prorate(draft, StepName.THRESHOLD, "promotion:1", 1, amount_fen, chosen)

    return {StepName.THRESHOLD: take_off} if amount_fen else {}


earlier = st.just(0) | st.integers(1, 20_000)


def options(
    lines: Sequence[PricingLine],
    delivery: Delivery | None,
    book: FreightBook,
    steps: Mapping[StepName, Step],
    wallet: Sequence[Coupon],
) -> list[adapter.Option]:
    found = trial(lines, delivery, book, steps, StepName.COUPON)
    items = [adapter.item_of(line.sku, CATEGORIES, line.goods_payable_fen) for line in found.draft.lines]
    return adapter.options(wallet, found, items)


def with_coupon(
    lines: Sequence[PricingLine],
    delivery: Delivery | None,
    book: FreightBook,
    steps: Mapping[StepName, Step],
    option: adapter.Option,
) -> PricedOrder:
    return price(lines, delivery, book, {**steps, StepName.COUPON: adapter.step_of(option.coupon, option.found)})


@settings(max_examples=150, deadline=None)
@given(lines=carts, delivery=deliveries, book=books, taken=earlier, wallet=wallets)
def test_a_usable_coupon_makes_the_order_cheaper_by_exactly_its_saving(
    lines: list[PricingLine], delivery: Delivery | None, book: FreightBook, taken: int, wallet: list[Coupon]
) -> None:
    steps = before(taken)
    plain = price(lines, delivery, book, steps)
    for option in options(lines, delivery, book, steps, wallet):
        if option.found.reason is not None:
            assert option.saving_fen == 0
            continue
        order = with_coupon(lines, delivery, book, steps, option)
        assert plain.payable_fen - order.payable_fen == option.saving_fen > 0
        assert order.minimum_gap_fen <= plain.minimum_gap_fen
        _assert_exact(order, option, lines)


def _assert_exact(order: PricedOrder, option: adapter.Option, lines: Sequence[PricingLine]) -> None:
    shares = {line.sku_id: sum(d.amount_fen for d in line.discounts if d.step == "coupon") for line in order.lines}
    assert sum(shares.values()) == option.found.discount_fen <= option.found.eligible_fen
    assert option.found.eligible_fen >= option.coupon.terms.threshold_fen
    assert {sku_id for sku_id, share in shares.items() if share} <= set(option.found.sku_ids)
    traced: Counter[int] = Counter()
    for entry in order.trace:
        traced.update(dict(zip(entry.lines, entry.amounts, strict=True)))
    assert {line.sku_id: line.payable_fen for line in order.lines} == {
        x.sku.sku_id: traced[x.sku.sku_id] for x in lines
    }
    assert all(line.goods_payable_fen >= 0 for line in order.lines)


@settings(max_examples=80, deadline=None)
@given(lines=carts, delivery=deliveries, book=books, taken=earlier, wallet=wallets, seed=st.integers(0, 999))
def test_the_order_of_lines_and_of_the_wallet_changes_nothing(
    lines: list[PricingLine], delivery: Delivery | None, book: FreightBook, taken: int, wallet: list[Coupon], seed: int
) -> None:
    steps = before(taken)
    other_lines, other_wallet = list(lines), list(wallet)
    Random(seed).shuffle(other_lines)
    Random(seed).shuffle(other_wallet)
    first = options(lines, delivery, book, steps, wallet)
    second = options(other_lines, delivery, book, steps, other_wallet)
    assert first == second
    for option in first:
        if option.found.reason is None:
            one = with_coupon(lines, delivery, book, steps, option)
            other = with_coupon(other_lines, delivery, book, steps, option)
            assert digest(one) == digest(other)


@settings(max_examples=100, deadline=None)
@given(lines=carts, delivery=deliveries, book=books, wallet=wallets, more=terms)
def test_one_more_coupon_in_the_wallet_never_makes_the_best_price_higher(
    lines: list[PricingLine], delivery: Delivery | None, book: FreightBook, wallet: list[Coupon], more: Terms
) -> None:
    def best(coupons: list[Coupon]) -> int:
        found = options(lines, delivery, book, {}, coupons)
        usable = [option for option in found if option.found.reason is None]
        assert found[: len(usable)] == usable
        plain = price(lines, delivery, book)
        return with_coupon(lines, delivery, book, {}, usable[0]).payable_fen if usable else plain.payable_fen

    added = wallet[0]._replace(id=99, terms=more)
    assert best([*wallet, added]) <= best(wallet) <= price(lines, delivery, book).payable_fen


@settings(max_examples=100, deadline=None)
@given(lines=carts, delivery=deliveries, book=books, wallet=wallets, seed=st.integers(0, 9999))
def test_refunds_in_any_split_give_back_exactly_what_was_paid(
    lines: list[PricingLine], delivery: Delivery | None, book: FreightBook, wallet: list[Coupon], seed: int
) -> None:
    usable = [option for option in options(lines, delivery, book, {}, wallet) if option.found.reason is None]
    order = with_coupon(lines, delivery, book, {}, usable[0]) if usable else price(lines, delivery, book)
    paid = [
        refunds.PaidLine(line.sku_id, line.quantity, line.goods_payable_fen, line.freight_fen) for line in order.lines
    ]
    returned: dict[int, refunds.Returned] = {}
    given_back, random = 0, Random(seed)
    while rest := refunds.whole_rest(paid, returned):
        chosen = random.sample(rest, random.randint(1, len(rest)))
        wanted = [RefundUnits(one.order_line_id, random.randint(1, one.units)) for one in chosen]
        for due in refunds.due_lines(paid, returned, wanted):
            assert due.goods_fen >= 0
            assert due.freight_fen >= 0
            was = returned.get(due.order_line_id, refunds.Returned())
            returned[due.order_line_id] = refunds.Returned(
                was.units + due.units, was.goods_fen + due.goods_fen, was.freight_fen + due.freight_fen
            )
            given_back += due.goods_fen + due.freight_fen
        assert given_back <= order.payable_fen
    assert given_back == order.payable_fen


def test_a_discount_that_eats_the_free_freight_is_told_apart_from_a_saving() -> None:
    sku: SkuSnapshot = snapshot(1, 5000)
    book = FreightBook(
        1, free_threshold_fen=5000, default_template_id=1,
        templates={1: FreightTemplate(1, "快递", ChargeBy.WEIGHT, {NATIONAL: rate})},
    )  # fmt: skip
    small = Coupon(
        1, 1, 1, CouponState.AVAILABLE, 1, "券", Terms(CouponKind.AMOUNT, 800, 0, None, 0, Scope(ScopeKind.ALL)),
        True, False, END, False, None,
    )  # fmt: skip
    (option,) = options([PricingLine(sku, 1)], Delivery("express", "440305"), book, {}, [small])
    assert (option.found.reason, option.saving_fen) == (Unusable.NO_SAVING, 0)
    local = Delivery("local", None, 500, 5000)
    (option,) = options([PricingLine(sku, 1)], local, book, {}, [small])
    assert option.found.reason is Unusable.BELOW_LOCAL_MINIMUM
