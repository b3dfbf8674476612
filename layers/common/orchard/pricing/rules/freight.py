"""The freight step: who can be served, what is free, what each template charges, and each line's part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from orchard.core import money
from orchard.pricing.models import (
    NATIONAL,
    ChargeBy,
    Combination,
    Delivery,
    DeliveryMethod,
    FreightRate,
    FreightTemplate,
    StepName,
    TraceEntry,
)
from orchard.pricing.rules.pipeline import Draft, DraftLine, add_freight

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class _Group:
    """The lines of one template, with the rate of their region."""

    template: FreightTemplate
    rate: FreightRate
    lines: tuple[DraftLine, ...]

    @property
    def units(self) -> int:
        return sum(charge_units(line, self.template.charge_by) for line in self.lines)


def charge_freight(draft: Draft) -> Draft:
    """The step. Pickup costs nothing, local delivery the store's fee, express what the book says."""
    delivery = draft.delivery
    if delivery is None:
        return draft
    draft = _block_other_methods(draft, delivery)
    if delivery.method == DeliveryMethod.LOCAL:
        return _spread(draft, "local_delivery", delivery.local_fee_fen, _deliverable(draft), ChargeBy.PIECE)
    if delivery.method == DeliveryMethod.EXPRESS:
        return _charge_express(draft, str(delivery.region_code))
    return draft


def goods_to_deliver_fen(draft: Draft) -> int:
    """What thresholds look at: goods payable after discounts of the lines that can be delivered."""
    return sum(line.goods_payable_fen for line in _deliverable(draft))


def free_freight_gap(draft: Draft) -> int | None:
    """What is missing to the store-wide threshold; None where it does not apply."""
    threshold = draft.book.free_threshold_fen
    if threshold is None or (draft.delivery and draft.delivery.method != DeliveryMethod.EXPRESS):
        return None
    return max(0, threshold - goods_to_deliver_fen(draft))


def minimum_gap(draft: Draft) -> int:
    """What is missing to the store's minimum for local delivery."""
    if draft.delivery is None or draft.delivery.method != DeliveryMethod.LOCAL:
        return 0
    return max(0, draft.delivery.local_minimum_fen - goods_to_deliver_fen(draft))


def discount_margin(draft: Draft) -> int | None:
    """What may still be taken off the goods together without changing freight or the gap to the local minimum.

    `draft` has its freight already. None: any amount. Thresholds that are not met cannot be lost.
    """
    if draft.delivery is None:
        return None
    margins: list[int] = []
    if draft.delivery.method == DeliveryMethod.LOCAL and draft.delivery.local_minimum_fen:
        margins.append(goods_to_deliver_fen(draft) - draft.delivery.local_minimum_fen)
    if draft.delivery.method == DeliveryMethod.EXPRESS:
        if free_freight_gap(draft) == 0:
            margins.append(goods_to_deliver_fen(draft) - (draft.book.free_threshold_fen or 0))
        margins += _free_row_margins(draft, str(draft.delivery.region_code))
    return max(0, min(margins)) if margins else None


def _free_row_margins(draft: Draft, region_code: str) -> list[int]:
    margins = []
    for group in _groups(draft, region_code)[0]:
        region = _free_region(group, region_code)
        if region is not None:
            payable = sum(line.goods_payable_fen for line in group.lines)
            margins.append(payable - group.template.free_rows[region].minimum_amount_fen)
    return margins


def match_region(by_region: Mapping[str, V], region_code: str) -> tuple[str, V] | None:
    """The entry of the district, else the city, else the province, else the country."""
    for code in (region_code, f"{region_code[:4]}00", f"{region_code[:2]}0000", NATIONAL):
        if code in by_region:
            return code, by_region[code]
    return None


def charge_units(line: DraftLine, charge_by: ChargeBy) -> int:
    """The line's pieces, grams or cubic centimetres."""
    each = {ChargeBy.PIECE: 1, ChargeBy.WEIGHT: line.sku.weight_grams, ChargeBy.VOLUME: line.sku.volume_cm3}
    return each[charge_by] * line.quantity


def whole_fee(rate: FreightRate, units: int) -> int:
    """First fee, plus a step fee for every step begun beyond the first units."""
    return rate.first_fee_fen + _steps_fee(rate, max(0, units - rate.first_units))


def _steps_fee(rate: FreightRate, units: int) -> int:
    return -(-units // rate.step_units) * rate.step_fee_fen


def _deliverable(draft: Draft) -> list[DraftLine]:
    return [line for line in draft.lines if line.sku.sku_id not in draft.undeliverable]


def _block(draft: Draft, rule_id: str, lines: Sequence[DraftLine]) -> Draft:
    if not lines:
        return draft
    ids = tuple(line.sku.sku_id for line in lines)
    entry = TraceEntry(StepName.FREIGHT.value, rule_id, draft.book.version, ids, (0,) * len(ids))
    return replace(draft, undeliverable=draft.undeliverable | set(ids)).noted(entry)


def _block_other_methods(draft: Draft, delivery: Delivery) -> Draft:
    other = [line for line in draft.lines if delivery.method not in line.sku.delivery_methods]
    return _block(draft, "method_not_offered", other)


def _charge_express(draft: Draft, region_code: str) -> Draft:
    groups, unserved = _groups(draft, region_code)
    draft = _block(draft, "area_not_served", unserved)
    if free_freight_gap(draft) == 0:
        return _free(draft, "free_threshold", draft.book.version, _deliverable(draft))
    if draft.free_freight is not None:
        return _free(draft, *draft.free_freight, _deliverable(draft))
    charged: list[_Group] = []
    for group in groups:
        region = _free_region(group, region_code)
        if region is None:
            charged.append(group)
        else:
            rule_id = f"free_row:{group.template.template_id}:{region}"
            draft = _free(draft, rule_id, draft.book.version, group.lines)
    return _charge_groups(draft, charged)


def _charge_groups(draft: Draft, charged: Sequence[_Group]) -> Draft:
    for group, fee in zip(charged, combined_fees(charged, draft.book.combination), strict=True):
        draft = _spread(draft, f"template:{group.template.template_id}", fee, group.lines, group.template.charge_by)
    return draft


def _groups(draft: Draft, region_code: str) -> tuple[list[_Group], list[DraftLine]]:
    """Deliverable lines by template, in template order, and the lines that no rate serves."""
    by_template: dict[int, list[DraftLine]] = {}
    for line in _deliverable(draft):
        template_id = line.sku.freight_template_id or draft.book.default_template_id
        if template_id is not None:
            by_template.setdefault(template_id, []).append(line)
    groups: list[_Group] = []
    unserved: list[DraftLine] = []
    for template_id, lines in sorted(by_template.items()):
        template = draft.book.templates.get(template_id)
        found = match_region(template.rates, region_code) if template else None
        if template is None or found is None or found[1] is None:
            unserved += lines
        else:
            groups.append(_Group(template, found[1], tuple(lines)))
    return groups, unserved


def _free_region(group: _Group, region_code: str) -> str | None:
    found = match_region(group.template.free_rows, region_code)
    if found is None:
        return None
    region, row = found
    pieces = sum(line.quantity for line in group.lines)
    amount = sum(line.goods_payable_fen for line in group.lines)
    return region if pieces >= row.minimum_quantity and amount >= row.minimum_amount_fen else None


def combined_fees(groups: Sequence[_Group], combination: Combination) -> list[int]:
    """The fee of each group. Under `dearest_first`, of tied candidates the one with the highest total leads."""
    whole = [whole_fee(group.rate, group.units) for group in groups]
    if combination is Combination.SUM or len(groups) < 2:
        return whole
    # Steps alone may come dearer than the whole fee where the first units are many: the shopper pays the less.
    steps = [min(fee, _steps_fee(group.rate, group.units)) for fee, group in zip(whole, groups, strict=True)]
    dearest = max(group.rate.first_fee_fen for group in groups)
    candidates = [n for n, group in enumerate(groups) if group.rate.first_fee_fen == dearest]
    leader = max(candidates, key=lambda n: (whole[n] - steps[n], -n))
    return [whole[n] if n == leader else steps[n] for n in range(len(groups))]


def _free(draft: Draft, rule_id: str, version: int, lines: Sequence[DraftLine]) -> Draft:
    ids = tuple(line.sku.sku_id for line in lines)
    return draft.noted(TraceEntry(StepName.FREIGHT.value, rule_id, version, ids, (0,) * len(ids)))


def _spread(draft: Draft, rule_id: str, fee: int, lines: Sequence[DraftLine], charge_by: ChargeBy) -> Draft:
    """Put the fee on lines by what it was charged for; by pieces where nothing has a weight or volume."""
    if not lines:
        return draft
    units = [charge_units(line, charge_by) for line in lines]
    shares = money.allocate(fee, units if any(units) else [line.quantity for line in lines])
    return add_freight(draft, rule_id, {line.sku.sku_id: share for line, share in zip(lines, shares, strict=True)})
