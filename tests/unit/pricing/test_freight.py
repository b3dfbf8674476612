"""Freight: who is served, what is free, what is charged, and each line's part of it."""

import pytest

from orchard.catalog.models import SkuSnapshot
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
)
from orchard.pricing.rules.freight import match_region
from orchard.pricing.service import price
from tests.support.skus import snapshot

NANSHAN, URUMQI, BEIJING_EAST = "440305", "650102", "110101"
TO_NANSHAN = Delivery("express", NANSHAN)
# First kilogram 8 yuan, each further 500 grams 2 yuan.
BY_WEIGHT = FreightRate(1000, 800, 500, 200)
# First two pieces 5 yuan, each further piece 1 yuan.
BY_PIECE = FreightRate(2, 500, 1, 100)


def template(
    template_id: int,
    rate: FreightRate = BY_PIECE,
    charge_by: ChargeBy = ChargeBy.PIECE,
    rates: dict[str, FreightRate | None] | None = None,
    free_rows: dict[str, FreeRow] | None = None,
) -> FreightTemplate:
    return FreightTemplate(template_id, "模板", charge_by, rates or {NATIONAL: rate}, free_rows or {})


def book(*templates: FreightTemplate, **policy: object) -> FreightBook:
    return FreightBook(version=7, templates={t.template_id: t for t in templates}, **policy)  # type: ignore[arg-type]


def bought(*lines: tuple[SkuSnapshot, int], to: Delivery = TO_NANSHAN, by: FreightBook) -> PricedOrder:
    return price([PricingLine(sku, quantity) for sku, quantity in lines], to, by)


def freights(order: PricedOrder) -> list[int]:
    return [line.freight_fen for line in order.lines]


@pytest.mark.parametrize(
    ("grams", "quantity", "fee"),
    [(500, 1, 800), (500, 2, 800), (501, 2, 1000), (500, 3, 1000), (500, 4, 1200), (0, 9, 800), (1, 999, 800)],
)
def test_every_step_begun_is_charged(grams: int, quantity: int, fee: int) -> None:
    sku = snapshot(1, weight_grams=grams, freight_template_id=5)
    order = bought((sku, quantity), by=book(template(5, BY_WEIGHT, ChargeBy.WEIGHT)))
    assert (order.freight_fen, order.payable_fen) == (fee, 1000 * quantity + fee)


def test_volume_is_charged_by_cubic_centimetre() -> None:
    rate = FreightRate(3000, 600, 1000, 150)
    order = bought(
        (snapshot(1, volume_cm3=1001, freight_template_id=5), 4), by=book(template(5, rate, ChargeBy.VOLUME))
    )
    assert order.freight_fen == 600 + 2 * 150


def test_lines_of_one_template_add_up_and_each_knows_its_part() -> None:
    lines = [(snapshot(1, freight_template_id=5), 1), (snapshot(2, freight_template_id=5), 3)]
    order = bought(*lines, by=book(template(5)))
    assert freights(order) == [175, 525]
    assert order.trace[-1].as_json() == {
        "step": "freight",
        "rule_id": "template:5",
        "version": "7",
        "lines": ["1", "2"],
        "amounts_fen": [175, 525],
    }


def test_an_odd_fen_goes_to_the_largest_remainder_ties_to_the_lowest_sku() -> None:
    lines = [(snapshot(n, freight_template_id=5), 1) for n in (3, 1, 2)]
    order = bought(*lines, by=book(template(5, FreightRate(3, 100, 1, 0))))
    assert {line.sku_id: line.freight_fen for line in order.lines} == {1: 34, 2: 33, 3: 33}


def test_goods_without_weight_share_a_fee_by_pieces() -> None:
    lines = [(snapshot(n, weight_grams=0, freight_template_id=5), n) for n in (1, 3)]
    assert freights(bought(*lines, by=book(template(5, BY_WEIGHT, ChargeBy.WEIGHT)))) == [200, 600]


def two_templates(combination: Combination, first: FreightRate, second: FreightRate) -> int:
    lines = [(snapshot(1, freight_template_id=5), 4), (snapshot(2, freight_template_id=6), 3)]
    return bought(*lines, by=book(template(5, first), template(6, second), combination=combination)).freight_fen


def test_templates_sum_or_only_the_dearest_first_fee_counts() -> None:
    dear, cheap = FreightRate(1, 1000, 1, 100), FreightRate(1, 600, 1, 150)
    assert two_templates(Combination.SUM, dear, cheap) == (1000 + 300) + (600 + 300)
    assert two_templates(Combination.DEAREST_FIRST, dear, cheap) == (1000 + 300) + 450


def test_of_tied_first_fees_the_highest_total_leads() -> None:
    one, other = FreightRate(1, 1000, 1, 100), FreightRate(3, 1000, 1, 300)
    # One leading: 1300 + 900. The other leading: 1000 + 400.
    assert two_templates(Combination.DEAREST_FIRST, one, other) == 2200
    # Leading with four pieces: 1300 + 300. With three: 1200 + 1200.
    assert two_templates(Combination.DEAREST_FIRST, other, one) == 2400


def test_dearest_first_never_costs_more_than_the_sum() -> None:
    # Nine steps would cost 900, though the whole fee of nine pieces is 500.
    dear, roomy = FreightRate(1, 1000, 1, 0), FreightRate(10, 100, 1, 100)
    lines = [(snapshot(1, freight_template_id=5), 1), (snapshot(2, freight_template_id=6), 9)]
    by = book(template(5, dear), template(6, roomy), combination=Combination.DEAREST_FIRST)
    assert bought(*lines, by=by).freight_fen == 1000 + 100


def test_a_region_is_matched_from_the_district_up() -> None:
    rates = {"440305": "district", "440300": "city", "440000": "province", NATIONAL: "country"}
    found = [match_region(rates, code) for code in ("440305", "440306", "441202", "110101")]
    assert [value for _, value in filter(None, found)] == ["district", "city", "province", "country"]
    assert match_region({"440000": "province"}, "110101") is None


def test_an_area_without_a_rate_blocks_only_its_lines() -> None:
    only_guangdong = template(5, rates={"440000": BY_PIECE})
    lines = [(snapshot(1, freight_template_id=5), 1), (snapshot(2, freight_template_id=6), 1)]
    order = bought(*lines, to=Delivery("express", BEIJING_EAST), by=book(only_guangdong, template(6)))
    assert order.undeliverable == (1,)
    assert freights(order) == [0, 500]
    assert ("area_not_served", (1,)) in [(entry.rule_id, entry.lines) for entry in order.trace]


def test_the_more_exact_of_rate_and_exclusion_wins() -> None:
    rates = {NATIONAL: BY_PIECE, "650000": None, "650100": FreightRate(1, 2000, 1, 500)}
    by = book(template(5, rates=rates))
    line = (snapshot(1, freight_template_id=5), 1)
    assert bought(line, to=Delivery("express", "659001"), by=by).undeliverable == (1,)
    assert bought(line, to=Delivery("express", URUMQI), by=by).freight_fen == 2000
    assert bought(line, to=TO_NANSHAN, by=by).freight_fen == 500


def test_an_unknown_template_serves_nobody() -> None:
    assert bought((snapshot(1, freight_template_id=99), 1), by=book()).undeliverable == (1,)


def test_a_sku_without_template_takes_the_default_or_travels_free() -> None:
    line = (snapshot(1), 1)
    assert bought(line, by=book(template(5), default_template_id=5)).freight_fen == 500
    free = bought(line, by=book(template(5)))
    assert (free.freight_fen, free.undeliverable) == (0, ())


def test_the_store_wide_threshold_looks_at_goods_that_can_be_delivered() -> None:
    by = book(template(5), free_threshold_fen=3000)
    near, far = snapshot(1, 2999, freight_template_id=5), snapshot(2, 5000, freight_template_id=99)
    order = bought((near, 1), (far, 1), by=by)
    assert (order.freight_fen, order.free_freight_gap_fen) == (500, 1)
    order = bought((snapshot(1, 3000, freight_template_id=5), 1), by=by)
    assert (order.freight_fen, order.free_freight_gap_fen) == (0, 0)
    assert order.trace[-1].rule_id == "free_threshold"


@pytest.mark.parametrize(("pieces", "price_fen", "fee"), [(3, 1000, 600), (2, 2000, 500), (3, 1334, 0)])
def test_a_free_row_needs_both_pieces_and_amount(pieces: int, price_fen: int, fee: int) -> None:
    by = book(template(5, free_rows={NATIONAL: FreeRow(3, 4000)}))
    assert bought((snapshot(1, price_fen, freight_template_id=5), pieces), by=by).freight_fen == fee


def test_the_free_row_of_the_nearer_region_decides() -> None:
    by = book(template(5, free_rows={NATIONAL: FreeRow(1, 1000), "650000": FreeRow(1, 9000)}))
    line = (snapshot(1, 1000, freight_template_id=5), 1)
    assert bought(line, to=TO_NANSHAN, by=by).freight_fen == 0
    assert bought(line, to=Delivery("express", URUMQI), by=by).freight_fen == 500


def test_a_free_template_leaves_the_other_its_fee() -> None:
    free = template(5, free_rows={NATIONAL: FreeRow(1, 0)})
    lines = [(snapshot(1, freight_template_id=5), 1), (snapshot(2, freight_template_id=6), 1)]
    assert freights(bought(*lines, by=book(free, template(6), combination=Combination.DEAREST_FIRST))) == [0, 500]


def test_pickup_costs_nothing_and_knows_no_area() -> None:
    order = bought((snapshot(1, freight_template_id=99), 2), to=Delivery("pickup"), by=book(free_threshold_fen=9000))
    assert (order.freight_fen, order.undeliverable, order.free_freight_gap_fen) == (0, (), None)


def test_local_delivery_costs_the_stores_fee_and_has_its_minimum() -> None:
    to = Delivery("local", local_fee_fen=300, local_minimum_fen=5000)
    order = bought((snapshot(1, 1000), 1), (snapshot(2, 1500), 2), to=to, by=book(free_threshold_fen=1))
    assert freights(order) == [100, 200]
    assert order.minimum_gap_fen == 1000
    enough = bought((snapshot(1, 1000), 5), to=to, by=book())
    assert (enough.minimum_gap_fen, enough.payable_fen) == (0, 5300)


def test_a_method_that_a_sku_does_not_offer_blocks_only_its_lines() -> None:
    pickup_only = snapshot(1, delivery_methods=frozenset({"pickup"}))
    order = bought((pickup_only, 1), (snapshot(2), 1), by=book(template(5), default_template_id=5))
    assert order.undeliverable == (1,)
    assert freights(order) == [0, 500]


@pytest.mark.parametrize(("method", "region"), [("express", None), ("drone", NANSHAN)])
def test_express_without_a_region_and_unknown_methods_are_refused(method: str, region: str | None) -> None:
    with pytest.raises(ValueError, match=r"region|drone"):
        Delivery(method, region)
