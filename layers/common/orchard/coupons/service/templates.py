"""What a merchant does with templates: define, list, change, publish, stop."""

from typing import Any

from orchard.catalog import service as catalog
from orchard.core.clock import to_database
from orchard.core.ids import new_id
from orchard.coupons.models import Channel, InvalidTemplate, ScopeKind, TemplateState, TemplateStateConflict
from orchard.coupons.schemas import TemplateDraft, TemplateSummary
from orchard.coupons.store import templates
from orchard.runtime.database import Row, Tx


def define_template(tx: Tx, draft: TemplateDraft) -> TemplateSummary:
    """A new template, not yet on offer. Raises InvalidTemplate for categories or products that do not exist."""
    _check_goods(tx, draft)
    template_id = new_id()
    values = {"id": template_id, "version": 1, "state": TemplateState.DRAFT.value, **_columns(draft)}
    tx.execute(templates.insert_template(values))
    return _summary(templates.locked(tx, template_id))


def list_templates(tx: Tx, limit: int = 100) -> list[TemplateSummary]:
    """The templates that were defined last, newest first."""
    return [_summary(row) for row in templates.newest(tx, limit)]


def change_template(tx: Tx, template_id: int, version: int, draft: TemplateDraft) -> TemplateSummary:
    """Replace what the template says; coupons that members hold keep the terms they were claimed with.

    A published one keeps its channel and its having a budget; quota and budget never fall below what is issued and
    spent. Raises TemplateNotFound, TemplateStateConflict for another version or a stopped one, InvalidTemplate.
    """
    current = templates.locked(tx, template_id)
    if current["version"] != version or current["state"] == TemplateState.STOPPED:
        raise TemplateStateConflict
    _check_change(current, draft)
    _check_goods(tx, draft)
    tx.execute(templates.change(template_id, version, _columns(draft)))
    return _summary(templates.locked(tx, template_id))


def publish_template(tx: Tx, template_id: int) -> TemplateSummary:
    """DRAFT -> PUBLISHED: coupons can be claimed in its window. Raises TemplateNotFound, TemplateStateConflict."""
    return _move(tx, template_id, TemplateState.DRAFT, TemplateState.PUBLISHED)


def stop_template(tx: Tx, template_id: int) -> TemplateSummary:
    """PUBLISHED -> STOPPED, for good: what members hold stays good. Raises TemplateNotFound, TemplateStateConflict."""
    return _move(tx, template_id, TemplateState.PUBLISHED, TemplateState.STOPPED)


def _move(tx: Tx, template_id: int, source: TemplateState, target: TemplateState) -> TemplateSummary:
    current = templates.locked(tx, template_id)
    if current["state"] != source:
        raise TemplateStateConflict
    tx.execute(templates.change(template_id, current["version"], {"state": target.value}))
    return _summary(templates.locked(tx, template_id))


def _check_change(current: Row, draft: TemplateDraft) -> None:
    if draft.quota is not None and draft.quota < current["issued"]:
        raise InvalidTemplate(field="quota")
    if draft.budget_fen is not None and draft.budget_fen < current["budget_spent_fen"]:
        raise InvalidTemplate(field="budget_fen")
    if current["state"] == TemplateState.DRAFT:
        return
    if draft.channel != current["channel"]:
        raise InvalidTemplate(field="channel")
    if (draft.budget_fen is None) != (current["budget_fen"] is None):
        raise InvalidTemplate(field="budget_fen")


def _check_goods(tx: Tx, draft: TemplateDraft) -> None:
    categories, products = set(draft.excluded_category_ids), set(draft.excluded_product_ids)
    if draft.scope_kind is ScopeKind.CATEGORIES:
        categories |= set(draft.scope_ids)
    if draft.scope_kind is ScopeKind.PRODUCTS:
        products |= set(draft.scope_ids)
    if catalog.unknown_categories(tx, categories) or catalog.unknown_products(tx, products):
        raise InvalidTemplate(field="scope")
    if draft.channel is Channel.NEWCOMER and draft.per_member_limit != 1:
        raise InvalidTemplate(field="per_member_limit")


def _columns(draft: TemplateDraft) -> dict[str, Any]:
    plain = ("name", "amount_fen", "percent_off", "cap_fen", "threshold_fen", "quota", "per_member_limit", "budget_fen")
    times = ("claim_from", "claim_until", "valid_from", "valid_until")
    moments = {name: getattr(draft, name) for name in times}
    return {
        **{name: getattr(draft, name) for name in (*plain, "valid_days")},
        **{name: getattr(draft, name).value for name in ("channel", "kind", "scope_kind", "audience")},
        **{name: to_database(moment) if moment else None for name, moment in moments.items()},
        "scope": templates.scope_json(draft.scope_ids, draft.excluded_category_ids, draft.excluded_product_ids),
        "returns_on_refund": int(draft.returns_on_refund),
    }


def _summary(row: Row) -> TemplateSummary:
    return TemplateSummary(
        template_id=row["id"],
        name=row["name"],
        version=row["version"],
        state=TemplateState(row["state"]),
        issued=row["issued"],
        budget_spent_fen=row["budget_spent_fen"],
    )
