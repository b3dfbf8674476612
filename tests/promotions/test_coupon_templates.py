"""What a merchant does with templates: define, change, publish, stop."""

import pytest

from orchard.coupons.models import InvalidTemplate, TemplateNotFound, TemplateState, TemplateStateConflict
from orchard.coupons.service import templates
from orchard.runtime.database import Connection
from tests.support.coupons import Coupons, centre, claim, draft
from tests.support.shop import Shop, Shoppers


def test_a_template_is_seen_once_published_and_until_stopped(
    coupons: Coupons, shopper: Shoppers, db: Connection
) -> None:
    me = shopper()
    made = db.run(lambda tx: templates.define_template(tx, draft()))
    assert (made.state, made.version, made.issued) == (TemplateState.DRAFT, 1, 0)
    assert centre(me.token).json["coupons"] == []
    db.run(lambda tx: templates.publish_template(tx, made.template_id))
    assert len(centre(me.token).json["coupons"]) == 1
    held = coupons.claimed(me.token, made.template_id)
    db.run(lambda tx: templates.stop_template(tx, made.template_id))
    assert centre(me.token).json["coupons"] == []
    # What a member holds stays good.
    assert coupons.state(held) == "AVAILABLE"


def test_no_step_is_taken_twice_or_out_of_order(coupons: Coupons, db: Connection) -> None:
    made = db.run(lambda tx: templates.define_template(tx, draft())).template_id
    with pytest.raises(TemplateStateConflict):
        db.run(lambda tx: templates.stop_template(tx, made))
    db.run(lambda tx: templates.publish_template(tx, made))
    with pytest.raises(TemplateStateConflict):
        db.run(lambda tx: templates.publish_template(tx, made))
    db.run(lambda tx: templates.stop_template(tx, made))
    for step in (templates.publish_template, templates.stop_template):
        with pytest.raises(TemplateStateConflict):
            db.run(lambda tx, step=step: step(tx, made))  # type: ignore[misc]
    with pytest.raises(TemplateStateConflict):
        db.run(lambda tx: templates.change_template(tx, made, 3, draft()))
    with pytest.raises(TemplateNotFound):
        db.run(lambda tx: templates.publish_template(tx, 7))


def test_a_change_names_the_version_it_was_made_from(coupons: Coupons, db: Connection) -> None:
    made = db.run(lambda tx: templates.define_template(tx, draft())).template_id
    changed = db.run(lambda tx: templates.change_template(tx, made, 1, draft(name="新名字", quota=9)))
    assert changed.version == 2
    assert (coupons.template(made)["name"], coupons.template(made)["quota"]) == ("新名字", 9)
    with pytest.raises(TemplateStateConflict):
        db.run(lambda tx: templates.change_template(tx, made, 1, draft()))


def test_promises_made_are_kept_by_every_change(coupons: Coupons, shopper: Shoppers, db: Connection) -> None:
    template_id = coupons.offer(quota=3, budget_fen=1000)
    for _ in range(2):
        assert claim(shopper().token, template_id).status == 201
    refused = {
        "quota": draft(quota=1, budget_fen=1000),
        "budget_fen": draft(quota=3),
        "channel": draft(quota=3, budget_fen=1000, channel="CODE"),
    }
    for field, change in refused.items():
        with pytest.raises(InvalidTemplate) as error:
            db.run(lambda tx, change=change: templates.change_template(tx, template_id, 2, change))  # type: ignore[misc]
        assert error.value.details == {"field": field}
    db.run(lambda tx: templates.change_template(tx, template_id, 2, draft(quota=2, budget_fen=2000)))
    assert claim(shopper().token, template_id).json["reason"] == "sold_out"


def test_goods_that_do_not_exist_are_refused(coupons: Coupons, shop: Shop, db: Connection) -> None:
    goods = shop.sell()
    known = draft(scope_kind="PRODUCTS", scope_ids=[str(goods.product_id)])
    assert db.run(lambda tx: templates.define_template(tx, known)).version == 1
    wrong = [
        draft(scope_kind="PRODUCTS", scope_ids=["7"]),
        draft(scope_kind="CATEGORIES", scope_ids=[str(goods.product_id)]),
        draft(excluded_category_ids=["7"]),
        draft(excluded_product_ids=["7"]),
    ]
    for one in wrong:
        with pytest.raises(InvalidTemplate):
            db.run(lambda tx, one=one: templates.define_template(tx, one))  # type: ignore[misc]
