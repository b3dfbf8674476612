"""What shoppers see of activities and groups. Times left are told by the database's clock."""

from collections.abc import Sequence

from orchard.group_buy.store.groups import TAKEN
from orchard.runtime.database import Row, Statement, Tx, placeholders

MOST_ACTIVITIES = 50
MOST_GROUPS = 20
_ACTIVITY = (
    "SELECT id, state, name, size, hours, per_order_limit, per_member_limit, starts_at, ends_at, simulates,"
    " starts_at <= UTC_TIMESTAMP(6) AS started, ends_at <= UTC_TIMESTAMP(6) AS ended FROM group_buy_activity"
)
_SECONDS_LEFT = (
    "IF(g.state = 'OPEN', GREATEST(0, TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(6), g.expires_at)), 0) AS seconds_left"
)


def on_offer(tx: Tx) -> list[Row]:
    """Published activities that have not ended, what ends first in front."""
    return tx.rows(
        f"{_ACTIVITY} WHERE state = 'PUBLISHED' AND ends_at > UTC_TIMESTAMP(6) ORDER BY ends_at, id LIMIT %s",
        (MOST_ACTIVITIES,),
    )


def skus(tx: Tx, activity_ids: Sequence[int]) -> list[Row]:
    """activity_id, sku_id, price_fen and `remaining` of these activities' SKUs."""
    return tx.rows(
        "SELECT activity_id, sku_id, price_fen, CAST(quota AS SIGNED) - CAST(taken AS SIGNED) AS remaining"
        f" FROM group_buy_sku WHERE activity_id IN ({placeholders(activity_ids)}) ORDER BY activity_id, sku_id",
        list(activity_ids),
    )


def activity_with_groups(activity_id: int) -> list[Statement]:
    """One activity that was published, and its groups that can be joined; for one round trip."""
    return [
        Statement(f"{_ACTIVITY} WHERE id = %s AND state <> 'DRAFT'", (activity_id,)),
        Statement(
            f"SELECT g.id, g.leader_id, g.size, {TAKEN} AS taken, g.expires_at, {_SECONDS_LEFT} FROM group_buy_group g"
            f" WHERE g.activity_id = %s AND g.state = 'OPEN' AND g.expires_at > UTC_TIMESTAMP(6) AND {TAKEN} < g.size"
            " ORDER BY g.expires_at, g.id LIMIT %s",
            (activity_id, MOST_GROUPS),
        ),
    ]


def group(group_id: int) -> list[Statement]:
    """One group, its seats that count, and the SKU its leader bought; for one round trip."""
    return [
        Statement(
            f"SELECT g.*, {TAKEN} AS taken, {_SECONDS_LEFT}, a.name FROM group_buy_group g"
            " JOIN group_buy_activity a ON a.id = g.activity_id WHERE g.id = %s",
            (group_id,),
        ),
        Statement(
            "SELECT member_id FROM group_buy_member WHERE group_id = %s AND paid_at IS NOT NULL"
            " AND state IN ('PAID', 'SUCCESS') ORDER BY paid_at, id",
            (group_id,),
        ),
        Statement(
            "SELECT s.sku_id, s.price_fen FROM group_buy_member m JOIN group_buy_sku s"
            " ON s.activity_id = m.activity_id AND s.sku_id = m.sku_id WHERE m.group_id = %s ORDER BY m.id LIMIT 1",
            (group_id,),
        ),
    ]


def of_order(member_id: int, order_number: str) -> Statement:
    """The group that an order has its seat in, if the order is this member's; a seat it moved from has no order."""
    return Statement(
        f"SELECT m.group_id, m.state AS seat_state, g.activity_id, g.state, g.size, {TAKEN} AS taken, g.expires_at,"
        f" {_SECONDS_LEFT} FROM group_buy_member m JOIN group_buy_group g ON g.id = m.group_id"
        " WHERE m.member_id = %s AND m.order_number = %s AND m.order_id IS NOT NULL",
        # The column is ASCII; anything else is no order's number.
        (member_id, order_number if order_number.isascii() else ""),
    )


def of_member(tx: Tx, member_id: int, before_id: int | None, limit: int) -> list[Row]:
    """A member's seats with their groups, newest first."""
    older = " AND m.id < %s" if before_id is not None else ""
    params = [member_id, *([before_id] if before_id is not None else []), limit]
    return tx.rows(
        "SELECT m.id, m.group_id, m.activity_id, a.name, m.order_number, m.state AS seat_state, m.moved_to,"
        f" g.state AS group_state, g.size, g.paid, g.leader_id, g.expires_at, {_SECONDS_LEFT}"
        " FROM group_buy_member m JOIN group_buy_group g ON g.id = m.group_id"
        f" JOIN group_buy_activity a ON a.id = m.activity_id WHERE m.member_id = %s{older} ORDER BY m.id DESC LIMIT %s",
        params,
    )
