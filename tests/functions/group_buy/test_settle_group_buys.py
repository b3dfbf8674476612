"""The sweep: each due group once, each refund apart from the others."""

from tests.support.group_buys import GroupBuys


def test_each_due_group_ends_once_and_others_are_left_alone(group_buys: GroupBuys) -> None:
    activity_id = group_buys.offer()
    due = [group_buys.opened(activity_id)[0] for _ in range(3)]
    alive, _ = group_buys.opened(activity_id)
    for group_id in due:
        group_buys.let_pass(group_id)
    assert group_buys.settle() == {"failed_groups": 3, "asked": 3}
    assert [group_buys.state(group_id) for group_id in [*due, alive]] == ["FAILED"] * 3 + ["OPEN"]
    assert group_buys.settle() == {}
    group_buys.refund()


def test_a_refund_that_cannot_be_asked_for_stops_no_other(group_buys: GroupBuys) -> None:
    till, activity_id = group_buys.till, group_buys.offer(size=3)
    group_id, first = group_buys.opened(activity_id)
    second = group_buys.paid(activity_id, group_id)
    group_buys.let_pass(group_id)
    # WeChat Pay refunds for a year: this one needs a person, and says so at every run.
    till.change("UPDATE payment_receipt SET succeeded_at = succeeded_at - INTERVAL 2 YEAR WHERE payment_id ="
                " (SELECT id FROM payment WHERE order_number = %s)", first)  # fmt: skip
    assert group_buys.settle() == {"failed_groups": 1, "asked": 1, "failed": 1}
    assert (till.state(first), till.state(second)) == ("GROUPING", "REFUNDING")
    till.change("UPDATE payment_receipt SET succeeded_at = succeeded_at + INTERVAL 2 YEAR WHERE payment_id ="
                " (SELECT id FROM payment WHERE order_number = %s)", first)  # fmt: skip
    assert group_buys.settle() == {"asked": 1}
    group_buys.refund()
    assert [till.state(number) for number in (first, second)] == ["REFUNDED", "REFUNDED"]
    assert [len(till.refunds(number)) for number in (first, second)] == [1, 1]
