"""Price lines, tell two prices apart, and read and change the freight rules."""

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence

from orchard.core.errors import Unavailable
from orchard.core.ids import new_id
from orchard.pricing import store
from orchard.pricing.models import (
    NATIONAL,
    ChargeBy,
    Combination,
    Delivery,
    FreeRow,
    FreightBook,
    FreightRate,
    FreightTemplate,
    InvalidFreight,
    PricedLine,
    PricedOrder,
    PricingLine,
    StepName,
)
from orchard.pricing.rules import freight as freight_rules
from orchard.pricing.rules import pipeline
from orchard.pricing.rules.trial import Trial
from orchard.runtime.database import Statement, Tx

__all__ = [
    "Delivery",
    "FreightBook",
    "PricedLine",
    "PricedOrder",
    "PricingLine",
    "define_freight_template",
    "digest",
    "freight_book",
    "freight_version_statement",
    "price",
    "set_freight_policy",
    "trial",
]
_REGION = re.compile(r"^[1-9][0-9]{5}$")
_MAX_FEE_FEN = 10**7
_MAX_UNITS = 10**9
_LOAD_ATTEMPTS = 3


def price(
    lines: Sequence[PricingLine],
    delivery: Delivery | None,
    freight: FreightBook,
    campaigns: Mapping[StepName, pipeline.Step] | None = None,
) -> PricedOrder:
    """The one engine, for preview and for order; pure, and independent of the order of lines.

    Without `delivery` goods alone are priced. `campaigns` fills places of the pipeline. Raises ValueError for a SKU
    on two lines, a quantity below 1, a negative price, or a step put in freight's place.
    """
    draft = pipeline.run(pipeline.begin(lines, delivery, freight), _with_freight(campaigns or {}))
    priced = {line.sku.sku_id: _priced_line(line) for line in draft.lines}
    return _checked(_totals([priced[line.sku.sku_id] for line in lines], draft))


def trial(
    lines: Sequence[PricingLine],
    delivery: Delivery | None,
    freight: FreightBook,
    campaigns: Mapping[StepName, pipeline.Step],
    place: StepName,
) -> Trial:
    """What `price` would make of the order with one step or another in `place`: the earlier steps run only once.

    Raises as `price`.
    """
    return Trial(pipeline.begin(lines, delivery, freight), _with_freight(campaigns), place)


def _with_freight(campaigns: Mapping[StepName, pipeline.Step]) -> dict[StepName, pipeline.Step]:
    if StepName.FREIGHT in campaigns:
        raise ValueError("freight has its own step")
    return {**campaigns, StepName.FREIGHT: freight_rules.charge_freight}


def _priced_line(line: pipeline.DraftLine) -> PricedLine:
    return PricedLine(
        sku_id=line.sku.sku_id,
        quantity=line.quantity,
        unit_list_price_fen=line.sku.list_price_fen,
        unit_price_fen=line.sku.price_fen,
        gross_fen=line.gross_fen,
        discounts=line.discounts,
        goods_payable_fen=line.goods_payable_fen,
        freight_fen=line.freight_fen,
        payable_fen=line.goods_payable_fen + line.freight_fen,
    )


def _totals(lines: Sequence[PricedLine], draft: pipeline.Draft) -> PricedOrder:
    return PricedOrder(
        lines=tuple(lines),
        goods_fen=sum(line.gross_fen for line in lines),
        discount_fen=sum(discount.amount_fen for line in lines for discount in line.discounts),
        freight_fen=sum(line.freight_fen for line in lines),
        payable_fen=sum(line.payable_fen for line in lines),
        trace=draft.trace,
        undeliverable=tuple(sorted(draft.undeliverable)),
        free_freight_gap_fen=freight_rules.free_freight_gap(draft),
        minimum_gap_fen=freight_rules.minimum_gap(draft),
    )


def _checked(order: PricedOrder) -> PricedOrder:
    """The order, unless a step moved money past the books: then nothing may be sold at all."""
    traced = sum(amount for entry in order.trace for amount in entry.amounts)
    exact = order.payable_fen == order.goods_fen - order.discount_fen + order.freight_fen == traced
    if not exact or any(line.goods_payable_fen < 0 or line.freight_fen < 0 for line in order.lines):
        raise ArithmeticError("the parts of a price do not add up")
    return order


def digest(priced: PricedOrder) -> str:
    """64 hex characters that change when, and only when, something that the shopper pays or gets changes.

    Neither the order of lines nor a changed list price (which nobody pays) nor a rule's mere version matters.
    """
    lines = sorted(
        (
            line.sku_id, line.quantity, line.unit_price_fen, line.goods_payable_fen, line.freight_fen,
            [(discount.step, discount.rule_id, discount.amount_fen) for discount in line.discounts],
        )
        for line in priced.lines
    )  # fmt: skip
    content = [lines, priced.payable_fen, priced.undeliverable, priced.minimum_gap_fen]
    return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()


_book: FreightBook | None = None


def freight_version_statement() -> Statement:
    """One row whose `version` belongs into `freight_book`; for the packet of a caller's other reads."""
    return store.select_version()


def freight_book(tx: Tx, version: int) -> FreightBook:
    """The freight rules at `version` or later: from memory while the version stands, else in one round trip.

    Raises Unavailable when they change faster than they can be read.
    """
    global _book  # noqa: PLW0603 - the warm function's cache, valid for one version only
    if _book is not None and _book.version == version:
        return _book
    for _ in range(_LOAD_ATTEMPTS):
        loaded = store.load_book(tx)
        if loaded is not None:
            _book = loaded
            return loaded
    raise Unavailable


def define_freight_template(
    tx: Tx,
    *,
    name: str,
    charge_by: ChargeBy,
    rates: Mapping[str, FreightRate],
    excluded: Collection[str] = (),
    free_rows: Mapping[str, FreeRow] | None = None,
    template_id: int | None = None,
) -> int:
    """Write a template, or overwrite the one given, and move the version; returns its id.

    Keys are region codes (district, city, province) or NATIONAL; `excluded` regions are not served even where a
    wider one is. Units are pieces, grams or cubic centimetres. Raises InvalidFreight.
    """
    rows: dict[str, FreightRate | None] = {**rates, **dict.fromkeys(excluded)}
    template = FreightTemplate(template_id or new_id(), name, charge_by, rows, dict(free_rows or {}))
    _check_template(template, len(rates) + len(set(excluded)))
    tx.execute(store.new_version())
    if template_id is not None and not store.template_exists(tx, template_id):
        raise InvalidFreight(field="template_id")
    tx.packet(store.put_template(template))
    return template.template_id


def _check_template(template: FreightTemplate, named_regions: int) -> None:
    rates = [rate for rate in template.rates.values() if rate is not None]
    regions = {*template.rates, *template.free_rows}
    if not 0 < len(template.name) <= 80:
        raise InvalidFreight(field="name")
    if not rates or named_regions != len(template.rates):
        raise InvalidFreight("运费区域不能为空或重复", field="rates")
    if any(code != NATIONAL and not _REGION.match(code) for code in regions):
        raise InvalidFreight("地区编码有误", field="region_code")
    if not all(_is_sound(rate) for rate in rates):
        raise InvalidFreight(field="rates")
    if any(row.minimum_quantity < 0 or row.minimum_amount_fen < 0 for row in template.free_rows.values()):
        raise InvalidFreight(field="free_rows")


def _is_sound(rate: FreightRate) -> bool:
    units = 0 <= rate.first_units <= _MAX_UNITS and 0 < rate.step_units <= _MAX_UNITS
    return units and 0 <= rate.first_fee_fen <= _MAX_FEE_FEN and 0 <= rate.step_fee_fen <= _MAX_FEE_FEN


def set_freight_policy(
    tx: Tx,
    *,
    combination: Combination = Combination.SUM,
    free_threshold_fen: int | None = None,
    default_template_id: int | None = None,
) -> None:
    """Overwrite the shop's freight policy and move the version. Raises InvalidFreight."""
    if free_threshold_fen is not None and free_threshold_fen < 0:
        raise InvalidFreight(field="free_threshold_fen")
    tx.execute(store.new_version())
    if default_template_id is not None and not store.template_exists(tx, default_template_id):
        raise InvalidFreight(field="default_template_id")
    tx.execute(store.put_policy(combination, free_threshold_fen, default_template_id))
