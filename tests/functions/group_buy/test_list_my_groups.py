"""GET /my-groups."""

from tests.support.calls import call
from tests.support.group_buys import GroupBuys, mine


def test_a_member_sees_their_own_groups_page_by_page(group_buys: GroupBuys) -> None:
    me, activities = group_buys.till.buyer(), [group_buys.offer() for _ in range(3)]
    numbers = [group_buys.paid(activity_id, buyer=me) for activity_id in activities]
    group_buys.opened(activities[0])
    first = mine(me.token, limit=2)
    assert [one["order_number"] for one in first.json["groups"]] == [numbers[2], numbers[1]]
    rest = mine(me.token, limit=2, cursor=first.json["next_cursor"])
    (oldest,) = rest.json["groups"]
    assert rest.json["next_cursor"] is None
    assert (oldest["order_number"], oldest["seat_state"], oldest["group_state"]) == (numbers[0], "PAID", "OPEN")
    assert (oldest["is_leader"], oldest["paid"], oldest["size"]) == (True, 1, 2)


def test_it_takes_a_session(group_buys: GroupBuys) -> None:
    assert call("group_buy/list_my_groups", "GET", "/my-groups").status == 401
