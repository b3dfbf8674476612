"""What a merchant does with activities: define, change, publish, stop."""

from typing import Any

from orchard.catalog import service as catalog
from orchard.core.clock import to_database
from orchard.core.ids import new_id
from orchard.group_buy.models import ActivityState, ActivityStateConflict, InvalidActivity
from orchard.group_buy.schemas import ActivityDraft, ActivitySummary
from orchard.group_buy.store import activities
from orchard.runtime.database import Row, Tx


def define_activity(tx: Tx, draft: ActivityDraft) -> ActivitySummary:
    """A new activity, not on offer yet. Raises InvalidActivity for a SKU that is unknown or dearer here."""
    _check_skus(tx, draft)
    activity_id = new_id()
    values = {"id": activity_id, "version": 1, "state": ActivityState.DRAFT.value, **_columns(draft)}
    tx.packet([activities.insert_activity(values), activities.put_skus(activity_id, _skus(draft))])
    return _summary(activities.locked(tx, activity_id))


def list_activities(tx: Tx, limit: int = 100) -> list[ActivitySummary]:
    """The activities that were defined last, newest first."""
    return [_summary(row) for row in activities.newest(tx, limit)]


def change_activity(tx: Tx, activity_id: int, version: int, draft: ActivityDraft) -> ActivitySummary:
    """Replace what the activity says; groups that were opened keep their terms.

    A quota never falls below what is taken, and a SKU of which units were taken stays. Raises ActivityNotFound,
    ActivityStateConflict for another version or a stopped one, InvalidActivity.
    """
    current = activities.locked(tx, activity_id)
    if current["version"] != version or current["state"] == ActivityState.STOPPED:
        raise ActivityStateConflict
    _check_skus(tx, draft)
    dropped = _dropped(activities.locked_skus(tx, activity_id), draft)
    tx.packet(
        [
            activities.change(activity_id, version, _columns(draft)),
            *(activities.drop_sku(activity_id, sku_id) for sku_id in dropped),
            activities.put_skus(activity_id, _skus(draft)),
        ]
    )
    return _summary(activities.locked(tx, activity_id))


def publish_activity(tx: Tx, activity_id: int) -> ActivitySummary:
    """DRAFT -> PUBLISHED: groups can be opened in its window. Raises ActivityNotFound, ActivityStateConflict."""
    return _move(tx, activity_id, ActivityState.DRAFT, ActivityState.PUBLISHED)


def stop_activity(tx: Tx, activity_id: int) -> ActivitySummary:
    """PUBLISHED -> STOPPED, for good: no group is opened any more, open ones may be filled. Raises as publishing."""
    return _move(tx, activity_id, ActivityState.PUBLISHED, ActivityState.STOPPED)


def _move(tx: Tx, activity_id: int, source: ActivityState, target: ActivityState) -> ActivitySummary:
    current = activities.locked(tx, activity_id)
    if current["state"] != source:
        raise ActivityStateConflict
    tx.execute(activities.change(activity_id, current["version"], {"state": target.value}))
    return _summary(activities.locked(tx, activity_id))


def _check_skus(tx: Tx, draft: ActivityDraft) -> None:
    known = catalog.skus(tx, [sku.sku_id for sku in draft.skus])
    for sku in draft.skus:
        if sku.sku_id not in known or sku.price_fen > known[sku.sku_id].price_fen:
            raise InvalidActivity(field="skus", sku_id=str(sku.sku_id))


def _dropped(current: list[Row], draft: ActivityDraft) -> list[int]:
    quotas = {sku.sku_id: sku.quota for sku in draft.skus}
    for row in current:
        if row["taken"] > quotas.get(row["sku_id"], 0):
            raise InvalidActivity(field="skus", sku_id=str(row["sku_id"]), taken=row["taken"])
    return [row["sku_id"] for row in current if row["sku_id"] not in quotas]


def _skus(draft: ActivityDraft) -> list[tuple[int, int, int]]:
    return [(sku.sku_id, sku.price_fen, sku.quota) for sku in draft.skus]


def _columns(draft: ActivityDraft) -> dict[str, Any]:
    plain = ("name", "size", "hours", "per_order_limit", "per_member_limit")
    flags = ("moves_payers", "simulates", "returns_quota")
    return {
        **{name: getattr(draft, name) for name in plain},
        **{name: int(getattr(draft, name)) for name in flags},
        "starts_at": to_database(draft.starts_at),
        "ends_at": to_database(draft.ends_at),
    }


def _summary(row: Row) -> ActivitySummary:
    return ActivitySummary(
        activity_id=row["id"], name=row["name"], version=row["version"], state=ActivityState(row["state"])
    )
