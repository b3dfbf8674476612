"""The engine: sums exact, never negative, the order of lines irrelevant, every fen traced, the digest stable."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchard.pricing.models import (
    NATIONAL,
    ChargeBy,
    Combination,
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
from orchard.pricing.service import digest, price
from tests.support.skus import snapshot

EMPTY = FreightBook(version=1)
NANSHAN = Delivery("express", "440305")
DISCOUNTS = [s for s in StepName if s not in (StepName.FREIGHT, StepName.POINTS_EARNED)]

rates = st.builds(FreightRate, st.integers(0, 3000), st.integers(0, 2000), st.integers(1, 900), st.integers(0, 500))
templates = st.builds(
    FreightTemplate,
    st.just(0),
    st.just("模板"),
    st.sampled_from(ChargeBy),
    st.dictionaries(st.sampled_from([NATIONAL, "440000", "440305"]), st.none() | rates, max_size=3),
    st.dictionaries(
        st.sampled_from([NATIONAL, "440000"]), st.builds(FreeRow, st.integers(0, 9), st.integers(0, 9999)), max_size=2
    ),
)
books = st.builds(
    lambda found, combination, threshold, default: FreightBook(
        9, combination, threshold, default, {n: replace(t, template_id=n) for n, t in found.items()}
    ),
    st.dictionaries(st.integers(1, 3), templates, max_size=3),
    st.sampled_from(Combination),
    st.none() | st.integers(0, 50_000),
    st.none() | st.integers(1, 3),
)
carts = st.lists(
    st.builds(
        lambda n, fen, grams, template, quantity, methods: PricingLine(
            snapshot(n, fen, weight_grams=grams, freight_template_id=template, delivery_methods=methods), quantity
        ),
        st.integers(1, 30),
        st.integers(0, 5000),
        st.integers(0, 2000),
        st.none() | st.integers(1, 4),
        st.integers(1, 999),
        st.sampled_from([frozenset({"express", "pickup", "local"}), frozenset({"pickup"})]),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda line: line.sku.sku_id,
)
deliveries = st.one_of(
    st.none(),
    st.sampled_from([NANSHAN, Delivery("express", "650102"), Delivery("pickup")]),
    st.builds(Delivery, st.just("local"), st.none(), st.integers(0, 999), st.integers(0, 9999)),
)


def taking(step: StepName, amount_fen: int, part: int) -> Step:
    """A campaign that takes an amount off every `part`-th line."""

    def apply(draft: Draft) -> Draft:
        chosen = [line.sku.sku_id for line in draft.lines if line.sku.sku_id % part == 0]
        return pipeline.prorate(draft, step, f"rule-{step}", 3, amount_fen, chosen) if chosen else draft

    return apply


campaigns = st.dictionaries(
    st.sampled_from(DISCOUNTS), st.tuples(st.integers(0, 9_000_000), st.integers(1, 3)), max_size=5
).map(lambda chosen: {step: taking(step, *terms) for step, terms in chosen.items()})


def assert_sound(order: PricedOrder, lines: Sequence[PricingLine]) -> None:
    assert [(line.sku_id, line.quantity) for line in order.lines] == [(x.sku.sku_id, x.quantity) for x in lines]
    for line in order.lines:
        taken = sum(discount.amount_fen for discount in line.discounts)
        assert line.gross_fen == line.unit_price_fen * line.quantity
        assert line.goods_payable_fen == line.gross_fen - taken >= 0
        assert line.payable_fen == line.goods_payable_fen + line.freight_fen
        assert line.freight_fen >= 0
        assert all(discount.amount_fen > 0 for discount in line.discounts)
    assert order.goods_fen == sum(line.gross_fen for line in order.lines)
    assert order.payable_fen == order.goods_fen - order.discount_fen + order.freight_fen
    assert order.payable_fen == sum(line.payable_fen for line in order.lines)


@given(lines=carts, delivery=deliveries, book=books, steps=campaigns)
def test_sums_are_exact_and_the_trace_explains_every_fen(
    lines: list[PricingLine], delivery: Delivery | None, book: FreightBook, steps: dict[StepName, Step]
) -> None:
    order = price(lines, delivery, book, steps)
    assert_sound(order, lines)
    traced: Counter[int] = Counter()
    for entry in order.trace:
        traced.update(dict(zip(entry.lines, entry.amounts, strict=True)))
    assert {line.sku_id: line.payable_fen for line in order.lines} == dict(traced)
    positions = [list(StepName).index(StepName(e.step)) for e in order.trace if e.step != pipeline.PRICE]
    assert positions == sorted(positions)
    blocked = {line.sku_id: line.freight_fen for line in order.lines if line.sku_id in order.undeliverable}
    assert set(blocked) == set(order.undeliverable)
    assert not any(blocked.values())


@given(lines=carts, delivery=deliveries, book=books, steps=campaigns, shuffle=st.randoms(use_true_random=False))
def test_the_order_of_lines_decides_nothing(
    lines: list[PricingLine],
    delivery: Delivery | None,
    book: FreightBook,
    steps: dict[StepName, Step],
    shuffle: Random,
) -> None:
    order = price(lines, delivery, book, steps)
    shuffled = list(lines)
    shuffle.shuffle(shuffled)
    again = price(shuffled, delivery, book, steps)
    assert {line.sku_id: line for line in again.lines} == {line.sku_id: line for line in order.lines}
    assert replace(again, lines=order.lines) == order
    assert digest(again) == digest(order)


@given(lines=carts, book=books)
def test_dearest_first_is_never_dearer_than_the_sum(lines: list[PricingLine], book: FreightBook) -> None:
    summed = price(lines, NANSHAN, replace(book, combination=Combination.SUM))
    dearest = price(lines, NANSHAN, replace(book, combination=Combination.DEAREST_FIRST))
    assert dearest.freight_fen <= summed.freight_fen
    assert dearest.undeliverable == summed.undeliverable


def lines_of(*prices: int) -> list[PricingLine]:
    return [PricingLine(snapshot(n, fen), 1) for n, fen in enumerate(prices, 1)]


def test_one_fen_off_three_lines_lands_on_one_of_them() -> None:
    order = price(lines_of(100, 100, 100), None, EMPTY, {StepName.COUPON: taking(StepName.COUPON, 1, 1)})
    assert [line.goods_payable_fen for line in order.lines] == [99, 100, 100]
    assert order.discount_fen == 1


def test_a_discount_larger_than_the_lines_is_cut_and_the_capped_value_is_spread() -> None:
    order = price(lines_of(100, 300), None, EMPTY, {StepName.COUPON: taking(StepName.COUPON, 9_999, 1)})
    assert [line.discounts[0].amount_fen for line in order.lines] == [100, 300]
    assert (order.payable_fen, order.discount_fen) == (0, 400)


def test_each_step_sees_what_the_one_before_left() -> None:
    steps = {
        StepName.POINTS: taking(StepName.POINTS, 60, 1),
        StepName.ACTIVITY: taking(StepName.ACTIVITY, 80, 2),
    }
    order = price(lines_of(100, 100), None, EMPTY, steps)
    assert [[(d.step, d.amount_fen) for d in line.discounts] for line in order.lines] == [
        [("points", 50)],
        [("activity", 80), ("points", 10)],
    ]


def test_a_step_may_make_freight_free() -> None:
    template = FreightTemplate(5, "模板", ChargeBy.PIECE, {NATIONAL: FreightRate(1, 500, 1, 100)})
    book = FreightBook(9, default_template_id=5, templates={5: template})
    free: dict[StepName, Step] = {StepName.THRESHOLD: lambda draft: replace(draft, free_freight=("promotion:1", 4))}
    assert price(lines_of(100), NANSHAN, book).freight_fen == 500
    order = price(lines_of(100), NANSHAN, book, free)
    assert (order.freight_fen, order.trace[-1].rule_id, order.trace[-1].version) == (0, "promotion:1", 4)


def test_thresholds_look_at_goods_after_discounts() -> None:
    book = FreightBook(9, free_threshold_fen=100)
    order = price(lines_of(100), NANSHAN, book, {StepName.COUPON: taking(StepName.COUPON, 1, 1)})
    assert order.free_freight_gap_fen == 1


def test_free_goods_make_an_order_of_nothing() -> None:
    order = price(lines_of(0, 0), Delivery("pickup"), EMPTY)
    assert (order.payable_fen, order.undeliverable) == (0, ())


def test_an_empty_cart_costs_nothing() -> None:
    order = price([], None, FreightBook(9, free_threshold_fen=500))
    assert (order.payable_fen, order.trace, order.free_freight_gap_fen) == (0, (), 500)


CROOKED: list[Callable[[Draft], Draft]] = [
    lambda draft: pipeline.discount(draft, StepName.COUPON, "r", 1, {1: 101}),
    lambda draft: pipeline.discount(draft, StepName.COUPON, "r", 1, {1: -1}),
    lambda draft: pipeline.prorate(draft, StepName.COUPON, "r", 1, -1, [1]),
    lambda draft: pipeline.add_freight(draft, "r", {1: -1}),
]


@pytest.mark.parametrize("step", CROOKED)
def test_a_crooked_step_is_stopped(step: Step) -> None:
    with pytest.raises(ValueError, match=r"discount|negative"):
        price(lines_of(100), None, EMPTY, {StepName.COUPON: step})


def test_money_moved_past_the_books_stops_the_sale() -> None:
    def unbooked(draft: Draft) -> Draft:
        return replace(draft, lines=tuple(replace(line, freight_fen=5) for line in draft.lines))

    with pytest.raises(ArithmeticError):
        price(lines_of(100), None, EMPTY, {StepName.COUPON: unbooked})


def test_repeated_skus_bad_quantities_and_a_foreign_freight_step_are_refused() -> None:
    line = lines_of(100)[0]
    for lines in ([line, line], [line._replace(quantity=0)], [PricingLine(snapshot(1, -1), 1)]):
        with pytest.raises(ValueError, match=r"SKU|range"):
            price(lines, None, EMPTY)
    with pytest.raises(ValueError, match="freight"):
        price([line], None, EMPTY, {StepName.FREIGHT: lambda draft: draft})


def test_the_digest_changes_with_what_is_paid_or_got_and_with_nothing_else() -> None:
    base = [PricingLine(snapshot(1, 100, list_price_fen=150), 2), PricingLine(snapshot(2, 50), 1)]
    known = digest(price(base, None, EMPTY))
    assert known == digest(price(base[::-1], None, replace(EMPTY, version=2)))
    assert known == digest(price([PricingLine(snapshot(1, 100, list_price_fen=999), 2), base[1]], None, EMPTY))
    local = Delivery("local", local_fee_fen=1)
    others = [
        price([PricingLine(snapshot(1, 101), 2), base[1]], None, EMPTY),
        price([PricingLine(snapshot(1, 100), 3), base[1]], None, EMPTY),
        price([PricingLine(snapshot(1, 50), 2), PricingLine(snapshot(2, 150), 1)], None, EMPTY),
        price(base[:1], None, EMPTY),
        price(base, local, EMPTY),
        price(base, replace(local, local_minimum_fen=9_999), EMPTY),
        price(base, None, EMPTY, {StepName.COUPON: taking(StepName.COUPON, 1, 1)}),
        price(base, None, EMPTY, {StepName.POINTS: taking(StepName.POINTS, 1, 1)}),
        price(base, Delivery("express", "440305"), replace(EMPTY, default_template_id=8)),
    ]
    assert len({known, *map(digest, others)}) == len(others) + 1
