"""Buying at an activity's price: exact for any line, any freight, and any split of its refunds."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from orchard.group_buy.models import ActivityState, Offer
from orchard.orders.campaigns.group_buy import step_of
from orchard.payments.models import RefundUnits
from orchard.payments.rules import PaidLine, Returned, due_lines
from orchard.pricing.models import (
    NATIONAL,
    ChargeBy,
    Combination,
    Delivery,
    FreightBook,
    FreightRate,
    FreightTemplate,
    PricedOrder,
    PricingLine,
    StepName,
)
from orchard.pricing.service import digest, price
from tests.support.skus import snapshot

prices = st.integers(0, 10**7)
quantities = st.integers(1, 999)
books = st.builds(
    lambda rate, by, threshold: FreightBook(
        9, Combination.SUM, threshold, 1, {1: FreightTemplate(1, "模板", by, {NATIONAL: rate})}
    ),
    st.builds(FreightRate, st.integers(0, 3000), st.integers(0, 2000), st.integers(1, 900), st.integers(0, 500)),
    st.sampled_from(ChargeBy),
    st.none() | st.integers(0, 10**6),
)
deliveries = st.one_of(
    st.none(),
    st.sampled_from([Delivery("express", "440305"), Delivery("pickup")]),
    st.builds(Delivery, st.just("local"), st.none(), st.integers(0, 999), st.integers(0, 9999)),
)
lines = st.builds(
    lambda fen, grams, quantity: PricingLine(snapshot(1, fen, weight_grams=grams), quantity),
    prices,
    st.integers(0, 2000),
    quantities,
)


def offer(price_fen: int) -> Offer:
    """An activity that sells SKU 1 for `price_fen`."""
    return Offer(
        activity_id=7, version=3, state=ActivityState.PUBLISHED, size=2, hours=24, per_order_limit=999,
        per_member_limit=9999, moves_payers=False, simulates=False, returns_quota=True, started=True, ended=False,
        price_fen=price_fen, left=999, units=0, in_a_group=False,
    )  # fmt: skip


def grouped(line: PricingLine, price_fen: int, delivery: Delivery | None, book: FreightBook) -> PricedOrder:
    """The order at the activity's price."""
    return price([line], delivery, book, {StepName.ACTIVITY: step_of(offer(price_fen), 1)})


@given(line=lines, activity_fen=prices, delivery=deliveries, book=books)
def test_the_line_costs_the_activitys_price_and_the_trace_explains_every_fen(
    line: PricingLine, activity_fen: int, delivery: Delivery | None, book: FreightBook
) -> None:
    order = grouped(line, activity_fen, delivery, book)
    (sold,) = order.lines
    # A price above the selling price never makes anything dearer.
    assert sold.goods_payable_fen == min(activity_fen, line.sku.price_fen) * line.quantity
    assert order.discount_fen == sold.gross_fen - sold.goods_payable_fen >= 0
    assert sold.freight_fen >= 0
    assert order.payable_fen == sold.payable_fen == sold.goods_payable_fen + sold.freight_fen
    traced: Counter[int] = Counter()
    for entry in order.trace:
        traced.update(dict(zip(entry.lines, entry.amounts, strict=True)))
    assert traced[1] == order.payable_fen
    (named,) = [entry for entry in order.trace if entry.step == StepName.ACTIVITY]
    assert (named.rule_id, named.version, named.amounts) == ("group_buy:7", 3, (-order.discount_fen,))


@given(line=lines, activity_fen=prices, delivery=deliveries, book=books)
def test_freight_looks_at_the_activitys_price(
    line: PricingLine, activity_fen: int, delivery: Delivery | None, book: FreightBook
) -> None:
    order = grouped(line, activity_fen, delivery, book)
    cheap = snapshot(1, min(activity_fen, line.sku.price_fen), weight_grams=line.sku.weight_grams)
    plain = price([PricingLine(cheap, line.quantity)], delivery, book)
    assert (order.payable_fen, order.freight_fen) == (plain.payable_fen, plain.freight_fen)
    assert order.free_freight_gap_fen == plain.free_freight_gap_fen
    cheaper = activity_fen < line.sku.price_fen
    assert (digest(order) != digest(price([line], delivery, book))) == cheaper


def refunded(order: PricedOrder, parts: Sequence[int]) -> list[tuple[int, int]]:
    """Give the order's line back in these parts; goods and freight of each."""
    (sold,) = order.lines
    paid = PaidLine(1, sold.quantity, sold.goods_payable_fen, sold.freight_fen)
    back, amounts = Returned(), []
    for units in parts:
        (due,) = due_lines([paid], {1: back}, [RefundUnits(1, units)])
        back = Returned(back.units + units, back.goods_fen + due.goods_fen, back.freight_fen + due.freight_fen)
        amounts.append((due.goods_fen, due.freight_fen))
    return amounts


@given(
    line=lines,
    activity_fen=prices,
    delivery=deliveries,
    book=books,
    splits=st.lists(st.integers(1, 998), max_size=12, unique=True),
    shuffle=st.randoms(use_true_random=False),
)
def test_refunds_in_any_split_sum_to_what_was_paid(
    line: PricingLine,
    activity_fen: int,
    delivery: Delivery | None,
    book: FreightBook,
    splits: list[int],
    shuffle: Random,
) -> None:
    order = grouped(line, activity_fen, delivery, book)
    cuts = [0, *sorted(cut for cut in splits if cut < line.quantity), line.quantity]
    parts = [after - before for before, after in pairwise(cuts)]
    for _ in range(2):
        amounts = refunded(order, parts)
        assert all(goods >= 0 and freight >= 0 for goods, freight in amounts)
        assert sum(goods + freight for goods, freight in amounts) == order.payable_fen
        shuffle.shuffle(parts)
