"""POST /coupons/redemptions."""

from collections.abc import Callable

import pytest

from orchard.coupons.models import InvalidTemplate
from orchard.coupons.service import codes, templates
from orchard.runtime.database import Connection
from tests.support.calls import Answer
from tests.support.coupons import Coupons, redeem
from tests.support.shop import Shoppers
from tests.support.till import Till


@pytest.fixture
def code_template(coupons: Coupons) -> int:
    return coupons.offer(channel="CODE", quota=100)


def _codes(db: Connection, template_id: int, count: int = 1) -> list[str]:
    return db.run(lambda tx: codes.generate_codes(tx, template_id, count)).codes


def _answer(answer: Answer) -> tuple[int, dict[str, object]]:
    return answer.status, {name: value for name, value in answer.json.items() if name != "request_id"}


def test_a_code_is_read_however_it_was_typed(
    code_template: int, shopper: Shoppers, db: Connection, coupons: Coupons
) -> None:
    me = shopper()
    coupons.change("UPDATE coupon_template SET per_member_limit = 9")
    spellings: list[Callable[[str], str]] = [
        lambda code: code.lower(),
        lambda code: f"  {code.replace('-', ' ')} ",
        lambda code: code.replace("0", "O").replace("1", "l"),
        lambda code: "".join(chr(ord(c) + 0xFEE0) if c.isalnum() else c for c in code),
    ]
    for spelling in spellings:
        (code,) = _codes(db, code_template)
        answer = redeem(me.token, spelling(code))
        assert answer.status == 201, answer.text
    assert coupons.template(code_template)["issued"] == 4


def test_the_same_member_gets_the_same_coupon_again(code_template: int, shopper: Shoppers, db: Connection) -> None:
    me, (code,) = shopper(), _codes(db, code_template)
    first, again = redeem(me.token, code), redeem(me.token, code)
    assert (first.status, first.text) == (again.status, again.text)


def test_every_refusal_is_the_same(code_template: int, till: Till, coupons: Coupons) -> None:
    db = till.db
    me, other = till.buyer(), till.buyer()
    used, second = _codes(db, code_template, 2)
    redeem(other.token, used)
    stopped = coupons.offer(channel="CODE")
    (of_stopped,) = _codes(db, stopped)
    db.run(lambda tx: templates.stop_template(tx, stopped))
    newcomers = coupons.offer(channel="CODE", audience="NEWCOMERS")
    (for_newcomers,) = _codes(db, newcomers)
    sold_out = coupons.offer(channel="CODE", quota=1)
    (for_sold_out,) = _codes(db, sold_out)
    coupons.change("UPDATE coupon_template SET quota = 0 WHERE id = %s", sold_out)
    number = till.order(other)
    till.take_money(other, number)
    till.sandbox.deliver_notifications()
    answers = [
        redeem(me.token, "0000-0000-0000-0000"),
        redeem(me.token, "not a code"),
        redeem(me.token, used),
        redeem(me.token, of_stopped),
        redeem(me.token, for_sold_out),
        redeem(other.token, for_newcomers),
        redeem(other.token, second),
    ]
    assert [_answer(answer) for answer in answers] == [_answer(answers[0])] * len(answers)
    assert answers[0].status == 422
    assert answers[0].code == "coupon_code_refused"


def test_guessing_is_limited_and_a_right_code_no_longer_helps(
    code_template: int, shopper: Shoppers, db: Connection, coupons: Coupons
) -> None:
    me, (code,) = shopper(), _codes(db, code_template)
    wrong = [redeem(me.token, f"0000-0000-0000-{n:04}") for n in range(codes.TRIES_PER_WINDOW)]
    assert {answer.status for answer in wrong} == {422}
    assert _answer(redeem(me.token, code)) == _answer(redeem(me.token, "0000-0000-0000-9999"))
    assert redeem(me.token, code).status == 429
    assert redeem(shopper().token, code.lower()).status == 201
    coupons.change("UPDATE coupon_code_try SET began_at = began_at - INTERVAL 61 MINUTE")
    (fresh,) = _codes(db, code_template)
    assert redeem(me.token, fresh).status == 201


def test_codes_are_kept_as_hashes_and_never_beyond_the_quota(
    code_template: int, db: Connection, coupons: Coupons
) -> None:
    made = _codes(db, code_template, 60)
    assert len(set(made)) == 60
    stored = db.run(lambda tx: tx.rows("SELECT * FROM coupon_code"))
    assert not any(code.replace("-", "") in str(stored) for code in made)
    with pytest.raises(InvalidTemplate):
        _codes(db, code_template, 41)
    with pytest.raises(InvalidTemplate):
        _codes(db, coupons.offer(), 1)
    assert len(_codes(db, code_template, 40)) == 40
