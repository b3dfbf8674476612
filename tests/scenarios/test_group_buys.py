"""Group-buys over HTTP against the running bundle: its jobs, its queues, its worker, WeChat's own notifications."""

from infra.demo import drills, group_buy
from orchard.group_buy.service import activities
from tests.support.group_buys import draft
from tests.support.scenario import RunningShop


def test_one_group_is_completed_while_another_fails_and_is_refunded(shop: RunningShop) -> None:
    goods = shop.shelf.sell(price_fen=2000, stock=10)
    shop.shelf.open_store()
    activity_id = shop.db.run(lambda tx: activities.define_activity(tx, draft(goods))).activity_id
    shop.db.run(lambda tx: activities.publish_activity(tx, activity_id))
    said: list[str] = []
    group_buy.play(
        shop.cloud.api_url,
        shop.cloud.sandbox_url,
        lambda group_id: drills.let_group_time_pass(shop.db, group_id, 25),
        shop.fire,
        say=said.append,
    )
    assert [step.strip().split(".")[0] for step in said] == list("12345")
    assert shop.shelf.available(goods) == 8
    # What went back is told to the catalogue too.
    shop.relay()
    shop.db.run(lambda tx: activities.stop_activity(tx, activity_id))
