"""Activities and groups as shoppers see them: public, names masked."""

from typing import Any

from orchard.catalog import service as catalog
from orchard.catalog.service import SkuSnapshot
from orchard.core.clock import from_database
from orchard.core.errors import NotFound
from orchard.core.paging import decode_cursor, encode_cursor
from orchard.group_buy.models import ActivityState
from orchard.group_buy.schemas import (
    Activity,
    ActivityDetail,
    ActivityList,
    GroupDetail,
    GroupSeat,
    GroupToJoin,
    MyGroup,
    MyGroupPage,
    OfferedSku,
)
from orchard.group_buy.store import pages
from orchard.members import service as members
from orchard.runtime.database import Row, Tx
from orchard.runtime.sessions import MemberSession

_SIMULATED = "系统补位"


def list_group_buys(tx: Tx) -> ActivityList:
    """Activities that run or will, with their SKUs; three round trips at most."""
    found = pages.on_offer(tx)
    skus = _skus(tx, [row["id"] for row in found])
    return ActivityList(activities=[Activity(**_activity(row, skus.get(row["id"], []))) for row in found])


def show_group_buy(tx: Tx, activity_id: int) -> ActivityDetail:
    """One activity with the groups that can be joined. Raises NotFound."""
    heads, groups = (result.rows for result in tx.packet(pages.activity_with_groups(activity_id)))
    if not heads:
        raise NotFound
    head, skus = heads[0], _skus(tx, [activity_id])
    names = members.masked_names(tx, [row["leader_id"] for row in groups])
    runs = head["state"] == ActivityState.PUBLISHED and bool(head["started"]) and not head["ended"]
    return ActivityDetail(
        **_activity(head, skus.get(activity_id, [])),
        open=runs,
        groups=[_to_join(row, names[row["leader_id"]]) for row in groups],
    )


def show_group(tx: Tx, group_id: int) -> GroupDetail:
    """One group for its members and its share card. Raises NotFound."""
    heads, seats, goods = (result.rows for result in tx.packet(pages.group(group_id)))
    if not heads:
        raise NotFound
    head = heads[0]
    names = members.masked_names(tx, [row["member_id"] for row in seats])
    shown = [GroupSeat(name=names[row["member_id"]], is_leader=row["member_id"] == head["leader_id"], simulated=False,
                       label="") for row in seats]  # fmt: skip
    shown += [GroupSeat(name="", is_leader=False, simulated=True, label=_SIMULATED)] * head["simulated"]
    return GroupDetail(
        group_id=head["id"],
        activity_id=head["activity_id"],
        activity_name=head["name"],
        state=head["state"],
        size=head["size"],
        seats=shown,
        seats_left=max(0, head["size"] - int(head["taken"])) if head["state"] == "OPEN" else 0,
        seconds_left=int(head["seconds_left"]),
        expires_at=from_database(head["expires_at"]) if head["expires_at"] else None,
        **_goods(tx, goods),
    )


def list_my_groups(tx: Tx, member: MemberSession, cursor: str | None, limit: int) -> MyGroupPage:
    """A page of the member's groups, newest first. Raises InvalidInput for a cursor of another list."""
    scope = f"my_groups:{member.member_id}"
    key = decode_cursor(scope, cursor, (int,))
    rows = pages.of_member(tx, member.member_id, int(key[0]) if key else None, limit + 1)
    shown = rows[:limit]
    return MyGroupPage(
        groups=[_mine(row, member.member_id) for row in shown],
        next_cursor=encode_cursor(scope, (shown[-1]["id"],)) if len(rows) > limit else None,
    )


def _skus(tx: Tx, activity_ids: list[int]) -> dict[int, list[OfferedSku]]:
    rows = pages.skus(tx, activity_ids) if activity_ids else []
    known = catalog.skus(tx, sorted({row["sku_id"] for row in rows}))
    found: dict[int, list[OfferedSku]] = {}
    for row in rows:
        if row["sku_id"] in known and known[row["sku_id"]].on_sale:
            found.setdefault(row["activity_id"], []).append(_offered(row, known[row["sku_id"]]))
    return found


def _offered(row: Row, sku: SkuSnapshot) -> OfferedSku:
    return OfferedSku(
        sku_id=sku.sku_id,
        product_id=sku.product_id,
        product_name=sku.product_name,
        sku_name=sku.sku_name,
        picture_url=sku.picture_url,
        price_fen=min(row["price_fen"], sku.price_fen),
        selling_price_fen=sku.price_fen,
        left=int(row["remaining"]),
    )


def _activity(row: Row, skus: list[OfferedSku]) -> dict[str, Any]:
    plain = ("name", "size", "hours", "per_order_limit", "per_member_limit")
    return {
        **{name: row[name] for name in plain},
        "activity_id": row["id"],
        "starts_at": from_database(row["starts_at"]),
        "ends_at": from_database(row["ends_at"]),
        "started": bool(row["started"]),
        "simulates": bool(row["simulates"]),
        "skus": skus,
    }


def _to_join(row: Row, leader_name: str) -> GroupToJoin:
    return GroupToJoin(
        group_id=row["id"],
        leader_name=leader_name,
        seats_left=row["size"] - int(row["taken"]),
        seconds_left=int(row["seconds_left"]),
        expires_at=from_database(row["expires_at"]),
    )


def _goods(tx: Tx, rows: list[Row]) -> dict[str, Any]:
    sku = catalog.skus(tx, [rows[0]["sku_id"]]).get(rows[0]["sku_id"]) if rows else None
    if sku is None:
        return {"product_name": "", "picture_url": "", "price_fen": 0, "selling_price_fen": 0}
    price_fen = min(rows[0]["price_fen"], sku.price_fen)
    return {"product_name": sku.product_name, "picture_url": sku.picture_url, "price_fen": price_fen,
            "selling_price_fen": sku.price_fen}  # fmt: skip


def _mine(row: Row, member_id: int) -> MyGroup:
    plain = ("group_id", "activity_id", "order_number", "seat_state", "group_state", "size", "paid", "moved_to")
    return MyGroup(
        **{name: row[name] for name in plain},
        activity_name=row["name"],
        is_leader=row["leader_id"] == member_id,
        seconds_left=int(row["seconds_left"]),
        expires_at=from_database(row["expires_at"]) if row["expires_at"] else None,
    )
