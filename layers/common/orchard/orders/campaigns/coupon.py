"""Coupons in an order: one at most, named by the shopper; the best is proposed, every other told with its reason."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from orchard.catalog import service as catalog
from orchard.catalog.service import SkuSnapshot
from orchard.core.errors import AppError, NotFound
from orchard.coupons import rules
from orchard.coupons import service as coupons
from orchard.coupons.models import Coupon, CouponTaken, Unusable
from orchard.coupons.rules import Assessment, Item
from orchard.coupons.service import choosing
from orchard.orders.campaigns.campaign import Asked, Entry, Placing, Priceable
from orchard.orders.schemas.placing import CouponChoice, Problem, QuoteRequest, UnusableCoupon, UsableCoupon
from orchard.pricing.models import StepName
from orchard.pricing.rules import pipeline
from orchard.pricing.rules.pipeline import Draft, Step
from orchard.pricing.rules.stacking import Stacking
from orchard.pricing.rules.trial import Trial
from orchard.runtime.database import Statement


class Option(NamedTuple):
    """One coupon of the wallet, judged on this order; `saving_fen` is 0 unless it may be used."""

    coupon: Coupon
    found: Assessment
    saving_fen: int = 0


class CouponCampaign:
    """The campaign in the coupon's place of the pipeline."""

    stacking = Stacking("coupon", StepName.COUPON)
    lost: tuple[type[AppError], ...] = (CouponTaken,)

    def named(self, request: QuoteRequest) -> bool:
        """Whether the shopper chose a coupon."""
        return request.coupon_id is not None

    def read(self, asked: Asked) -> list[Statement]:
        """Nothing when an order is placed without a coupon; else categories, the wallet (to propose), the named one."""
        named = asked.request.coupon_id
        statements = [] if asked.placing else [choosing.wallet_statement(asked.member_id)]
        if named is not None:
            statements.append(choosing.coupon_statement(asked.member_id, named))
        if not statements:
            return []
        return [catalog.lineage_statement([line.sku_id for line in asked.request.lines]), *statements]

    def enter(self, asked: Asked, found: Priceable) -> Entry:
        """Raises NotFound for a coupon that is not the member's."""
        if not found.rows:
            return Entry()
        named = asked.request.coupon_id
        wallet = {coupon.id: coupon for coupon in choosing.read_coupons(found.rows[1:])}
        if named is not None and named not in wallet:
            raise NotFound
        judged = _judged(list(wallet.values()), found) if wallet else []
        chosen = next((option for option in judged if option.coupon.id == named), None)
        shown = {} if asked.placing else {"coupons": _choice(judged, chosen)}
        if chosen is None:
            return Entry(shown=shown)
        if chosen.found.reason is not None:
            return Entry(problems=[Problem(reason="coupon_unusable")], shown=shown)
        return Entry(step=step_of(chosen.coupon, chosen.found), shown=shown, claim=partial(_claim, chosen))


def _judged(wallet: Sequence[Coupon], found: Priceable) -> list[Option]:
    trial = found.trial()
    return options(wallet, trial, _items(trial.draft, found))


def _items(draft: Draft, found: Priceable) -> list[Item]:
    lineage = catalog.read_lineage(found.rows[0])
    return [item_of(found.skus[line.sku.sku_id], lineage, line.goods_payable_fen) for line in draft.lines]


def item_of(sku: SkuSnapshot, lineage: Mapping[int, frozenset[int]], payable_fen: int) -> Item:
    """A line as coupons see it; a category without a row of ancestors stands for itself."""
    categories = lineage.get(sku.category_id, frozenset({sku.category_id}))
    return Item(sku.sku_id, sku.product_id, categories, payable_fen)


def options(wallet: Sequence[Coupon], trial: Trial, items: Sequence[Item]) -> list[Option]:
    """Every coupon assessed, the best first: by saving, then what ends first."""
    judged = [_tried(coupon, rules.assess(coupon, items), trial) for coupon in wallet]
    return sorted(judged, key=lambda option: (-option.saving_fen, option.coupon.ends_at, option.coupon.id))


def _tried(coupon: Coupon, found: Assessment, trial: Trial) -> Option:
    if found.reason is not None:
        return Option(coupon, found)
    outcome = trial.outcome(step_of(coupon, found), found.discount_fen)
    saving = trial.without.payable_fen - outcome.payable_fen
    if outcome.minimum_gap_fen > trial.without.minimum_gap_fen:
        return Option(coupon, found._replace(reason=Unusable.BELOW_LOCAL_MINIMUM))
    if saving <= 0:
        return Option(coupon, found._replace(reason=Unusable.NO_SAVING))
    return Option(coupon, found, saving)


def step_of(coupon: Coupon, found: Assessment) -> Step:
    """The coupon's step: its discount, spread over the lines in its scope."""

    def take_off(draft: Draft) -> Draft:
        rule_id, version = f"coupon:{coupon.id}", coupon.template_version
        return pipeline.prorate(draft, StepName.COUPON, rule_id, version, found.discount_fen, found.sku_ids)

    return take_off


def _choice(judged: Sequence[Option], chosen: Option | None) -> CouponChoice:
    usable = [option for option in judged if option.found.reason is None]
    unusable = [option for option in judged if option.found.reason is not None]
    return CouponChoice(
        best_coupon_id=usable[0].coupon.id if usable else None,
        applied_coupon_id=chosen.coupon.id if chosen and chosen.found.reason is None else None,
        usable=[UsableCoupon(**_shown(option), saving_fen=option.saving_fen) for option in usable],
        unusable=[
            UnusableCoupon(**_shown(option), reason=option.found.reason, missing_fen=option.found.missing_fen)
            for option in unusable
            if option.found.reason is not None
        ],
    )


def _shown(option: Option) -> dict[str, Any]:
    coupon = option.coupon
    return {"coupon_id": coupon.id, "name": coupon.name, "ends_at": coupon.ends_at}


def _claim(chosen: Option, placing: Placing) -> list[Statement]:
    found = chosen.found
    return coupons.lock(chosen.coupon, placing.member_id, placing.order_id, found.discount_fen, found.eligible_fen)
