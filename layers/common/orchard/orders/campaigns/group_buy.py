"""Group-buy in an order: one line at the activity's price, and a seat in a group that the order opens or joins."""

from functools import partial

from orchard.core.errors import AppError, NotFound
from orchard.group_buy import rules
from orchard.group_buy.models import Offer, SeatLost
from orchard.group_buy.service import joining
from orchard.orders.campaigns.campaign import Asked, Entry, Placing, Priceable
from orchard.orders.schemas.placing import Problem, QuoteRequest
from orchard.pricing.models import StepName
from orchard.pricing.rules import pipeline
from orchard.pricing.rules.pipeline import Draft, Step
from orchard.pricing.rules.stacking import ACTIVITY_CLOSES, Stacking
from orchard.runtime.database import Statement


class GroupBuyCampaign:
    """The campaign in the activity's place of the pipeline; it enters only when the shopper names it."""

    stacking = Stacking("group_buy", StepName.ACTIVITY, closes=ACTIVITY_CLOSES, one_line=True)
    lost: tuple[type[AppError], ...] = (SeatLost,)

    def named(self, request: QuoteRequest) -> bool:
        """Whether the order is to open or join a group."""
        return request.group_buy is not None

    def read(self, asked: Asked) -> list[Statement]:
        """Activity with the member's share of it, and the group that is to be joined."""
        choice = asked.request.group_buy
        if choice is None:
            return []
        sku_id = asked.request.lines[0].sku_id
        statements = [joining.offer_statement(choice.activity_id, sku_id, asked.member_id)]
        return statements if choice.group_id is None else [*statements, joining.group_statement(choice.group_id)]

    def enter(self, asked: Asked, found: Priceable) -> Entry:
        """Raises NotFound for an activity or a group that does not exist."""
        choice, line = asked.request.group_buy, asked.request.lines[0]
        if choice is None:
            return Entry()
        offer = joining.read_offer(found.rows[0])
        if offer is None:
            raise NotFound
        group = None if choice.group_id is None else joining.read_group(found.rows[1], offer.activity_id)
        if choice.group_id is not None and group is None:
            raise NotFound
        barred = rules.barred(offer, group, line.quantity)
        return Entry(
            step=step_of(offer, line.sku_id) if line.sku_id in found.skus and offer.price_fen is not None else None,
            problems=[Problem(reason=reason.value, sku_id=line.sku_id) for reason in barred],
            claim=partial(_claim, offer, choice.group_id),
        )


def step_of(offer: Offer, sku_id: int) -> Step:
    """The activity's price as a step: what it is below the selling price."""

    def take_off(draft: Draft) -> Draft:
        line = draft.line(sku_id)
        saving = rules.saving_fen(line.sku.price_fen, offer.price_fen or 0, line.quantity)
        return pipeline.discount(
            draft, StepName.ACTIVITY, f"group_buy:{offer.activity_id}", offer.version, {sku_id: saving}
        )

    return take_off


def _claim(offer: Offer, group_id: int | None, placing: Placing) -> list[Statement]:
    (line,) = placing.lines
    order = (placing.member_id, placing.order_id, placing.order_number)
    return joining.take_seat(offer, group_id, order, (line.sku_id, line.quantity), placing.payment_minutes)
