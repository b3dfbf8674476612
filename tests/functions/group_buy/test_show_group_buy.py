"""GET /group-buys/{activity_id}."""

from orchard.group_buy.service import activities
from tests.support.group_buys import GroupBuys, draft, show_activity


def test_groups_to_join_are_shown_with_what_is_left(group_buys: GroupBuys) -> None:
    till, activity_id = group_buys.till, group_buys.offer(size=3)
    leader = till.buyer()
    till.change("UPDATE member SET nickname = '王小明' WHERE id = %s", leader.member_id)
    group_id = group_buys.group_of(group_buys.paid(activity_id, buyer=leader))
    group_buys.order(till.buyer(), activity_id, group_id)
    expired, _ = group_buys.opened(activity_id)
    group_buys.let_pass(expired)
    # Whose leader has not paid, and what is full, cannot be joined.
    group_buys.order(till.buyer(), activity_id)
    full, _ = group_buys.opened(activity_id)
    group_buys.order(till.buyer(), activity_id, full)
    group_buys.order(till.buyer(), activity_id, full)
    answer = show_activity(activity_id)
    assert (answer.status, answer.json["open"]) == (200, True)
    (group,) = answer.json["groups"]
    assert (group["group_id"], group["leader_name"], group["seats_left"]) == (str(group_id), "王**", 1)
    assert 23 * 3600 < group["seconds_left"] <= 24 * 3600
    assert "小明" not in answer.text
    group_buys.settle()
    group_buys.refund()


def test_a_seat_whose_time_is_over_can_be_taken_again(group_buys: GroupBuys) -> None:
    activity_id = group_buys.offer()
    group_id, _ = group_buys.opened(activity_id)
    lapsed = group_buys.order(group_buys.till.buyer(), activity_id, group_id)
    assert show_activity(activity_id).json["groups"] == []
    group_buys.lapse(lapsed)
    assert [group["seats_left"] for group in show_activity(activity_id).json["groups"]] == [1]


def test_drafts_and_strangers_are_not_found(group_buys: GroupBuys) -> None:
    hidden = group_buys.till.db.run(lambda tx: activities.define_activity(tx, draft(group_buys.goods))).activity_id
    assert {show_activity(hidden).status, show_activity("12345").status} == {404}
    assert show_activity("no-id").status == 422
    stopped = group_buys.offer()
    group_buys.till.db.run(lambda tx: activities.stop_activity(tx, stopped))
    assert show_activity(stopped).json["open"] is False
