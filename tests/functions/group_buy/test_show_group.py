"""GET /groups/{group_id}: what a share card may show."""

from tests.support.group_buys import PRICE_FEN, SELLING_FEN, GroupBuys, show


def test_anybody_sees_masked_names_seats_and_time_left(group_buys: GroupBuys) -> None:
    till, activity_id = group_buys.till, group_buys.offer(size=3)
    leader = till.buyer()
    till.change("UPDATE member SET nickname = '林小满' WHERE id = %s", leader.member_id)
    group_id = group_buys.group_of(group_buys.paid(activity_id, buyer=leader))
    group_buys.paid(activity_id, group_id)
    answer = show(group_id)
    assert (answer.status, answer.json["state"], answer.json["seats_left"]) == (200, "OPEN", 1)
    assert [(seat["name"], seat["is_leader"]) for seat in answer.json["seats"]] == [("林**", True), ("微信用户", False)]
    assert (answer.json["price_fen"], answer.json["selling_price_fen"]) == (PRICE_FEN, SELLING_FEN)
    assert 0 < answer.json["seconds_left"] <= 24 * 3600
    # Nothing that tells who they are.
    assert not any(word in answer.text for word in ("小满", leader.openid, str(leader.member_id), "order_number"))


def test_simulated_seats_are_labelled_and_nobody(group_buys: GroupBuys) -> None:
    activity_id = group_buys.offer(size=3, simulates=True)
    group_id, _ = group_buys.opened(activity_id)
    group_buys.let_pass(group_id)
    group_buys.settle()
    seats = show(group_id).json["seats"]
    assert [(seat["simulated"], seat["name"] != "", seat["label"]) for seat in seats] == [
        (False, True, ""),
        (True, False, "系统补位"),
        (True, False, "系统补位"),
    ]
    assert (show(group_id).json["seats_left"], show(group_id).json["seconds_left"]) == (0, 0)


def test_a_group_that_does_not_exist_is_not_found(group_buys: GroupBuys) -> None:
    assert show("12345").status == 404
    assert show("x").status == 422
