"""Quote: what an order would cost now and why it might not be placed. One read packet, one pricing engine."""

from collections.abc import Mapping
from typing import NamedTuple

from orchard.catalog import service as catalog
from orchard.catalog.service import SkuSnapshot
from orchard.inventory import service as inventory
from orchard.members import service as members
from orchard.members.service import Address
from orchard.orders.campaigns.campaign import Asked
from orchard.orders.campaigns.entering import Entered, Plan
from orchard.orders.schemas.placing import DeliveryChoice, Problem, Quote, QuotedLine, QuoteRequest
from orchard.pricing import service as pricing
from orchard.pricing.models import DeliveryMethod, StepName
from orchard.pricing.rules.pipeline import Step
from orchard.pricing.rules.trial import Trial
from orchard.pricing.service import Delivery, PricedLine, PricedOrder, PricingLine
from orchard.runtime.database import Row, Statement, Tx
from orchard.runtime.sessions import MemberSession
from orchard.stores import service as stores
from orchard.stores.service import Store

Stock = dict[int, dict[int, int]]


class Evaluation(NamedTuple):
    """A quote with everything that placing it needs."""

    quote: Quote
    priced: PricedOrder
    skus: dict[int, SkuSnapshot]
    stock: Stock
    address: Address | None
    entered: Entered


class _Facts(NamedTuple):
    skus: dict[int, SkuSnapshot]
    stock: Stock
    freight: pricing.FreightBook
    address: Address | None
    store: Store | None
    campaign_rows: list[list[Row]]


def quote_order(tx: Tx, member: MemberSession, request: QuoteRequest) -> Quote:
    """Price a would-be order. Raises NotFound for an address or coupon that is not the member's, CampaignsExclude."""
    return evaluate(tx, member, request, placing=False).quote


def evaluate(tx: Tx, member: MemberSession, request: QuoteRequest, *, placing: bool) -> Evaluation:
    """Read everything in one round trip (a second one when freight rules changed), then price it in memory.

    Nothing is proposed when `placing`: then only what the request names is read and applied.
    """
    plan = Plan(Asked(member.member_id, request, placing))
    facts = _read(tx, member, request, plan.statements)
    problems = _line_problems(request, facts)
    priced, entered = _price(request, facts, plan)
    named = {problem.sku_id for problem in problems}
    problems += [p for p in _delivery_problems(request.delivery, facts, priced) if p.sku_id not in named - {None}]
    quote = _quote(facts, priced, [*problems, *entered.problems], entered)
    return Evaluation(quote, priced, facts.skus, facts.stock, facts.address, entered)


def _price(request: QuoteRequest, facts: _Facts, plan: Plan) -> tuple[PricedOrder, Entered]:
    sellable = [line for line in request.lines if line.sku_id in facts.skus]
    lines = [PricingLine(facts.skus[line.sku_id], line.quantity) for line in sellable]
    delivery = _delivery(request.delivery, facts)

    def trial(steps: Mapping[StepName, Step], place: StepName) -> Trial:
        return pricing.trial(lines, delivery, facts.freight, steps, place)

    entered = plan.enter(facts.campaign_rows, facts.skus, trial)
    return pricing.price(lines, delivery, facts.freight, entered.steps), entered


def _read(tx: Tx, member: MemberSession, request: QuoteRequest, campaigns: list[Statement]) -> _Facts:
    sku_ids = [line.sku_id for line in request.lines]
    choice = request.delivery
    packet = [catalog.skus_statement(sku_ids), inventory.stock_statement(sku_ids), pricing.freight_version_statement()]
    optional: list[tuple[str, Statement]] = []
    if choice.address_id is not None:
        optional.append(("address", members.address_statement(member.member_id, choice.address_id)))
    if choice.store_id is not None:
        optional.append(("store", stores.store_statement(choice.store_id)))
    results = [r.rows for r in tx.packet([*packet, *(statement for _, statement in optional), *campaigns])]
    named = 3 + len(optional)
    extra: dict[str, list[Row]] = {name: rows for (name, _), rows in zip(optional, results[3:named], strict=True)}
    return _Facts(
        skus=catalog.read_skus(results[0]),
        stock=inventory.read_stock(results[1]),
        freight=pricing.freight_book(tx, results[2][0]["version"]),
        address=members.read_address(extra["address"], member.member_id) if "address" in extra else None,
        store=stores.read_store(extra.get("store", [])),
        campaign_rows=results[named:],
    )


def _delivery(choice: DeliveryChoice, facts: _Facts) -> Delivery | None:
    # Without a region no freight can be told: goods alone are priced, and the quote says what is missing.
    if choice.method is DeliveryMethod.EXPRESS and facts.address is None:
        return None
    return Delivery(
        method=choice.method.value,
        region_code=facts.address.region_code if facts.address else None,
        local_fee_fen=facts.store.local_delivery_fee_fen if facts.store else 0,
        local_minimum_fen=facts.store.local_delivery_minimum_fen if facts.store else 0,
    )


def _line_problems(request: QuoteRequest, facts: _Facts) -> list[Problem]:
    problems = []
    for line in request.lines:
        sku = facts.skus.get(line.sku_id)
        available = sum(facts.stock.get(line.sku_id, {}).values())
        if sku is None or not sku.on_sale:
            problems.append(Problem(reason="not_for_sale", sku_id=line.sku_id))
        elif request.delivery.method.value not in sku.delivery_methods:
            problems.append(Problem(reason="method_unsupported", sku_id=line.sku_id))
        elif max(facts.stock.get(line.sku_id, {}).values(), default=0) < line.quantity:
            problems.append(Problem(reason="out_of_stock", sku_id=line.sku_id, available=available))
    return problems


def _delivery_problems(choice: DeliveryChoice, facts: _Facts, priced: PricedOrder) -> list[Problem]:
    problems = [Problem(reason="undeliverable", sku_id=sku_id) for sku_id in priced.undeliverable]
    if choice.method is not DeliveryMethod.PICKUP and facts.address is None:
        problems.append(Problem(reason="address_required"))
    if choice.method is not DeliveryMethod.EXPRESS and not _store_serves(choice, facts):
        problems.append(Problem(reason="store_unavailable"))
    elif priced.minimum_gap_fen:
        problems.append(Problem(reason="below_local_minimum"))
    return problems


def _store_serves(choice: DeliveryChoice, facts: _Facts) -> bool:
    if facts.store is None:
        return False
    if choice.method is DeliveryMethod.PICKUP:
        return facts.store.supports_pickup
    if facts.address is None:
        return facts.store.supports_local_delivery
    latitude, longitude = facts.address.latitude, facts.address.longitude
    position = None if latitude is None or longitude is None else (latitude, longitude)
    return stores.delivers_to(facts.store, facts.address.region_code, position)


def _quote(facts: _Facts, priced: PricedOrder, problems: list[Problem], entered: Entered) -> Quote:
    return Quote(
        **entered.shown,
        lines=[_quoted(line, facts) for line in priced.lines],
        goods_fen=priced.goods_fen,
        discount_fen=priced.discount_fen,
        freight_fen=priced.freight_fen,
        payable_fen=priced.payable_fen,
        free_freight_gap_fen=priced.free_freight_gap_fen,
        problems=problems,
        trace=priced.trace_json(),
        digest=pricing.digest(priced),
    )


def _quoted(line: PricedLine, facts: _Facts) -> QuotedLine:
    sku = facts.skus[line.sku_id]
    return QuotedLine(
        sku_id=line.sku_id,
        product_id=sku.product_id,
        product_name=sku.product_name,
        sku_name=sku.sku_name,
        picture_url=sku.picture_url,
        quantity=line.quantity,
        available=sum(facts.stock.get(line.sku_id, {}).values()),
        unit_list_price_fen=line.unit_list_price_fen,
        unit_price_fen=line.unit_price_fen,
        gross_fen=line.gross_fen,
        discount_fen=sum(discount.amount_fen for discount in line.discounts),
        freight_fen=line.freight_fen,
        payable_fen=line.payable_fen,
    )
