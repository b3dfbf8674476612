"""States and steps that a walk hardly takes, each reached on purpose."""

from typing import Any

import pytest

from orchard.coupons.service import templates
from orchard.group_buy.service import activities
from orchard.members import service as members
from orchard.workflows.refund_settled import refund_order
from tests.campaigns.field import Field
from tests.campaigns.race import stage
from tests.campaigns.race.scene import Scene
from tests.support import events


def _refund(field: Field, number: str, outcome: str) -> str:
    """A refund of everything, sent and left at the platform as `outcome`; its number there."""
    refund_id = refund_order(field.db, number, reason="测试退款", key="states").id
    field.wechat.misbehave("refund_outcome", call="refund", value=outcome)
    stage.feed(field, "send_refunds", events.message("refund.requested", {"refund_id": str(refund_id)}))
    field.wechat.deliver_notifications()
    return str(field.one("SELECT out_refund_no FROM refund WHERE id = %s", refund_id))


def _settle(field: Field, out_refund_no: str, outcome: str) -> None:
    field.wechat.settle_refund(out_refund_no, outcome)
    field.wechat.deliver_notifications()


def _state(field: Field, out_refund_no: str) -> str:
    return str(field.one("SELECT state FROM refund WHERE out_refund_no = %s", out_refund_no))


@pytest.mark.parametrize(
    ("first", "then"),
    [("SUCCESS", ""), ("HOLD", "SUCCESS"), ("HOLD", "CLOSED"), ("HOLD", "ABNORMAL"), ("CLOSED", ""), ("ABNORMAL", ""),
     ("ABNORMAL", "SUCCESS"), ("ABNORMAL", "CLOSED")],
)  # fmt: skip
def test_refunds_end_in_every_way(field: Field, first: str, then: str) -> None:
    shopper = field.shopper()
    number = stage.paid_order(field, shopper, field.shelf.sell(price_fen=900))
    out_refund_no = _refund(field, number, first)
    if then:
        _settle(field, out_refund_no, then)
    end = then or first
    assert _state(field, out_refund_no) == end
    assert shopper.state(number) == ("REFUNDED" if end == "SUCCESS" else "TO_SHIP")


@pytest.mark.parametrize("outcome", ["SUCCESS", "CLOSED", "ABNORMAL"])
def test_a_refund_is_known_settled_before_its_answer_came(field: Field, outcome: str) -> None:
    """The answer to sending is lost, and the platform has settled before anybody asks."""
    number = stage.paid_order(field, field.shopper(), field.shelf.sell(price_fen=900))
    refund_id = refund_order(field.db, number, reason="测试退款", key="lost").id
    for fault, value in (("refund_outcome", outcome), ("reset_after", None)):
        field.wechat.misbehave(fault, call="refund", value=value)
    field.wechat.misbehave("notice_lost", call="refund_notice", times=None)
    stage.feed(field, "send_refunds", events.message("refund.requested", {"refund_id": str(refund_id)}))
    field.wechat.deliver_notifications()
    assert field.one("SELECT state FROM refund WHERE id = %s", refund_id) == "CREATED"
    field.let_pass(6 * 3600, number)
    field.fire("finish_open_intents")
    assert field.one("SELECT state FROM refund WHERE id = %s", refund_id) == outcome


def test_a_coupon_is_used_given_back_and_expires(field: Field) -> None:
    scene = Scene(field)
    scene.shopper.confirm(scene.sheet if scene.number else {})
    field.wechat.deliver_notifications()
    assert field.coupons.state(scene.coupon_id) == "USED"
    wish = {**scene.shopper.wish((scene.goods, 1)), "coupon_id": scene.coupon_id}
    assert scene.shopper.phone.call("POST", "/quotes", wish)["coupons"]["unusable"][0]["reason"] == "used"
    _refund(field, scene.number, "SUCCESS")
    assert field.coupons.state(scene.coupon_id) == "AVAILABLE"
    late = Scene(field)
    field.coupons.end((late.number, late.coupon_id)[1])
    field.fire("expire_coupons")
    assert field.coupons.state(late.coupon_id) == "LOCKED"
    late.shopper.phone.call("POST", f"/orders/{late.number}/cancel")
    assert field.coupons.state(late.coupon_id) == "EXPIRED"
    unused = Scene(field)
    field.coupons.end(unused.coupon_id)
    field.fire("expire_coupons")
    assert field.coupons.state(unused.coupon_id) == "EXPIRED"


def test_groups_end_in_every_way(field: Field) -> None:
    goods = field.shelf.sell(stock=50)
    activity_id = stage.offer_activity(field, goods)
    leader, friend, alone = (field.shopper() for _ in range(3))
    number, group_id = stage.lead_group(field, leader, goods, activity_id)
    joined = stage.join_group(field, friend, goods, activity_id, group_id)
    assert [leader.state(number), friend.state(joined)] == ["TO_SHIP", "TO_SHIP"]
    waiting, group_id = stage.lead_group(field, alone, goods, activity_id)
    stage.let_group_pass(field, group_id)
    field.fire("settle_group_buys")
    assert alone.state(waiting) == "REFUNDING"
    field.relay()
    field.wechat.deliver_notifications()
    field.eventually(lambda: alone.state(waiting) == "REFUNDED")
    leaving = stage.seat(alone, goods, activity_id)
    alone.phone.call("POST", f"/orders/{leaving}/cancel")
    given_back, _ = stage.lead_group(field, field.shopper(), goods, activity_id)
    _refund(field, given_back, "SUCCESS")
    field.db.run(lambda tx: activities.stop_activity(tx, activity_id))


@pytest.mark.parametrize("moves", [False, True])
def test_a_payer_whose_group_was_filled_meanwhile_moves_or_is_refunded(field: Field, moves: bool) -> None:
    goods = field.shelf.sell(stock=50)
    activity_id = stage.offer_activity(field, goods, moves_payers=moves)
    leader, slow, quick = (field.shopper() for _ in range(3))
    _, group_id = stage.lead_group(field, leader, goods, activity_id)
    number = stage.seat(slow, goods, activity_id, group_id)
    sheet = slow.sheet(number)
    field.change(
        "UPDATE group_buy_member SET seat_until = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND WHERE order_number = %s", number
    )
    stage.join_group(field, quick, goods, activity_id, group_id)
    stage.lead_group(field, field.shopper(), goods, activity_id)
    assert slow.confirm(sheet) == "requestPayment:ok"
    field.wechat.deliver_notifications()
    assert (slow.state(number) == "TO_SHIP") is moves


def test_payments_are_unknown_refused_and_surplus(field: Field) -> None:
    shopper = field.shopper()
    number = shopper.order(field.shelf.sell(price_fen=700))
    for call in ("prepay", "query"):
        field.wechat.misbehave("reset_after", call=call, times=None)
    phone: Any = shopper.phone
    phone.refused("counterparty_unknown", "POST", f"/orders/{number}/pay")
    assert field.payment(number)["state"] == "UNKNOWN"
    phone.refused("counterparty_unknown", "POST", f"/orders/{number}/cancel")
    field.wechat.behave()
    number = shopper.order(field.shelf.sell(price_fen=701))
    sheet = shopper.sheet(number)
    closed = {"status": 400, "code": "ORDER_CLOSED", "message": "订单已关闭"}
    field.wechat.misbehave("pay_error", call="query", value=closed)
    assert phone.call("POST", f"/orders/{number}/cancel")["state"] == "CLOSED"
    assert shopper.confirm(sheet) == "requestPayment:ok"
    field.wechat.deliver_notifications()
    field.relay()
    field.eventually(lambda: [refund["kind"] for refund in field.refunds(number)] == ["SURPLUS"])
    first = shopper.order(field.shelf.sell(price_fen=702))
    shopper.sheet(first)
    field.wechat.misbehave("notice_lost", call="payment_notice")
    field.wechat.misbehave("pay_first", call="close")
    phone.refused("order_already_paid", "POST", f"/orders/{first}/cancel")


def test_an_order_that_costs_nothing_is_paid_at_once(field: Field) -> None:
    shopper = field.shopper()
    assert shopper.state(shopper.order(field.shelf.sell(price_fen=0))) == "TO_SHIP"


def test_what_merchants_begin_and_end(field: Field) -> None:
    draft_only = Scene(field)
    template_id = int(draft_only.template_id)
    field.db.run(lambda tx: templates.stop_template(tx, template_id))
    member_id = int(draft_only.shopper.phone.call("GET", "/profile")["member_id"])
    field.db.run(lambda tx: members.freeze(tx, member_id))
    field.nobody(draft_only.shopper.phone.token).attempt("GET", "/profile")
    field.db.run(lambda tx: members.unfreeze(tx, member_id))
    redeemer = Scene(field)
    redeemer.shopper.phone.call("GET", f"/addresses/{redeemer.address_id}")
    redeemer.shopper.phone.call("DELETE", f"/addresses/{redeemer.address_id}")
    assert redeemer.call("POST", "/coupons/redemptions", {"code": redeemer.code})[0] == 201
    for job in ("report_health", "check_invariants", "purge_expired_rows"):
        field.fire(job)
