"""POST /coupons/claims."""

from datetime import timedelta

from orchard.core import clock
from orchard.coupons.service import templates
from orchard.runtime.database import Connection
from tests.support.calls import call
from tests.support.coupons import Coupons, claim, draft
from tests.support.shop import Shoppers
from tests.support.till import Till


def test_a_claimed_coupon_carries_the_terms_of_its_day(coupons: Coupons, shopper: Shoppers, db: Connection) -> None:
    me = shopper()
    template_id = coupons.offer(kind="PERCENT", percent_off=20, cap_fen=3000, threshold_fen=1000, name="八折券")
    answer = claim(me.token, template_id)
    assert answer.status == 201
    assert (answer.json["state"], answer.json["started"]) == ("AVAILABLE", True)
    changed = draft(kind="PERCENT", percent_off=10, name="九折券")
    db.run(lambda tx: templates.change_template(tx, template_id, 2, changed))
    row = coupons.row(answer.json["coupon_id"])
    assert (row["percent_off"], row["cap_fen"], row["threshold_fen"], row["name"]) == (20, 3000, 1000, "八折券")
    assert row["ends_at"] - row["starts_at"] == timedelta(days=7)
    assert coupons.template(template_id)["issued"] == 1


def test_claiming_takes_five_round_trips(coupons: Coupons, shopper: Shoppers, db: Connection) -> None:
    me, template_id = shopper(), coupons.offer(quota=10)
    before = db.round_trips
    assert claim(me.token, template_id).status == 201
    # Session; idempotency row; one read packet; one write packet; answer with COMMIT.
    assert db.round_trips - before == 5


def test_the_same_key_claims_once(coupons: Coupons, shopper: Shoppers) -> None:
    me, template_id = shopper(), coupons.offer(per_member_limit=5)
    first, again = (claim(me.token, template_id, key="one-tap-0123456789") for _ in range(2))
    assert first.text == again.text
    assert coupons.template(template_id)["issued"] == 1
    assert claim(me.token, coupons.offer(), key="one-tap-0123456789").status == 409


def test_nobody_claims_more_than_their_share(coupons: Coupons, shopper: Shoppers) -> None:
    me, template_id = shopper(), coupons.offer(per_member_limit=2)
    answers = [claim(me.token, template_id) for _ in range(3)]
    assert [answer.status for answer in answers] == [201, 201, 409]
    assert (answers[2].code, answers[2].json["reason"]) == ("coupon_not_claimable", "limit_reached")


def test_the_last_coupon_is_the_last(coupons: Coupons, shopper: Shoppers) -> None:
    template_id = coupons.offer(quota=1)
    assert claim(shopper().token, template_id).status == 201
    answer = claim(shopper().token, template_id)
    assert (answer.status, answer.json["reason"]) == (409, "sold_out")


def test_a_refusal_can_be_repeated_with_its_key(coupons: Coupons, shopper: Shoppers) -> None:
    me = shopper()
    template_id = coupons.offer(claim_from=clock.utc_now() + timedelta(hours=1))
    assert claim(me.token, template_id, key="early-0123456789").json["reason"] == "not_started"
    coupons.change(
        "UPDATE coupon_template SET claim_from = UTC_TIMESTAMP(6) - INTERVAL 1 DAY WHERE id = %s", template_id
    )
    assert claim(me.token, template_id, key="early-0123456789").status == 201


def test_what_is_not_on_offer_does_not_exist(coupons: Coupons, shopper: Shoppers, db: Connection) -> None:
    me = shopper()
    drafted = db.run(lambda tx: templates.define_template(tx, draft())).template_id
    stopped = coupons.offer()
    db.run(lambda tx: templates.stop_template(tx, stopped))
    over = coupons.offer()
    coupons.change("UPDATE coupon_template SET claim_until = UTC_TIMESTAMP(6) WHERE id = %s", over)
    hidden = [drafted, stopped, over, coupons.offer(channel="CODE"), coupons.offer(channel="NEWCOMER"), 7]
    answers = [claim(me.token, template_id) for template_id in hidden]
    assert {answer.status for answer in answers} == {404}
    assert len({tuple(sorted((k, v) for k, v in a.json.items() if k != "request_id")) for a in answers}) == 1


def test_newcomers_are_those_who_never_paid(coupons: Coupons, till: Till) -> None:
    template_id = coupons.offer(audience="NEWCOMERS", per_member_limit=2)
    buyer = till.buyer()
    assert claim(buyer.token, template_id).status == 201
    number = till.order(buyer)
    assert claim(buyer.token, template_id, key="unpaid-0123456789").status == 201
    till.take_money(buyer, number)
    till.sandbox.deliver_notifications()
    coupons.change("UPDATE coupon_template SET per_member_limit = 9 WHERE id = %s", template_id)
    assert claim(buyer.token, template_id).json["reason"] == "newcomers_only"


def test_ids_of_other_shapes_are_refused(shopper: Shoppers) -> None:
    me = shopper()
    wrong: list[object] = [0, -1, "x", "1" * 30, 1.5, True, None, {}]
    for bad in wrong:
        body = {"template_id": bad}
        assert call("coupons/claim_coupon", "POST", "/coupons/claims", token=me.token, body=body).status == 422
    extra = {"template_id": "7", "member_id": "1"}
    assert call("coupons/claim_coupon", "POST", "/coupons/claims", token=me.token, body=extra).status == 422
