"""What races set up beside the public API: an activity, a paid order, messages as queues bring them."""

import json
from datetime import timedelta
from typing import Any

from infra.demo.drills import let_group_time_pass
from orchard.core import clock
from orchard.group_buy.schemas import ActivityDraft
from orchard.group_buy.service import activities
from tests.campaigns.field import Field
from tests.support import events
from tests.support.scenario import Shopper
from tests.support.shop import Goods


def offer_activity(field: Field, goods: Goods, *, price_fen: int = 900, **fields: Any) -> int:
    """Define and publish a group-buy for two; `fields` change it. Its id."""
    now = clock.utc_now()
    plain: dict[str, Any] = {
        "name": "两人团", "size": 2, "hours": 24, "per_order_limit": 2, "per_member_limit": 4,
        "starts_at": now - timedelta(hours=1), "ends_at": now + timedelta(days=7),
        "skus": [{"sku_id": str(goods.sku_id), "price_fen": price_fen, "quota": fields.pop("quota", 100)}],
    }  # fmt: skip
    draft = ActivityDraft.model_validate({**plain, **fields})
    activity_id = field.db.run(lambda tx: activities.define_activity(tx, draft)).activity_id
    field.db.run(lambda tx: activities.publish_activity(tx, activity_id))
    return activity_id


def paid_order(field: Field, shopper: Shopper, goods: Goods, quantity: int = 1) -> str:
    """An order that was paid and told of; its number."""
    number = shopper.order(goods, quantity)
    shopper.pay(number)
    field.wechat.deliver_notifications()
    assert shopper.state(number) == "TO_SHIP"
    return number


def feed(field: Field, worker: str, *messages: dict[str, Any]) -> tuple[int, Any]:
    """Hand messages to a worker as its queue does; 200 when it took all of them."""
    answer = field.fire(worker, {"Records": list(messages)})
    return (500 if answer["batchItemFailures"] else 200), answer


def told_of(field: Field, topic: str, subject: str) -> dict[str, Any]:
    """The message of an event in the outbox, as the relay sends it."""
    (row,) = field.rows("SELECT id, payload FROM outbox WHERE topic = %s AND subject = %s", topic, subject)
    return events.message(topic, json.loads(row["payload"]), event_id=row["id"], subject=subject)


def let_group_pass(field: Field, group_id: str) -> None:
    """Let a group's time be over, by the database's clock."""
    let_group_time_pass(field.db, int(group_id), 25)


def lead_group(field: Field, shopper: Shopper, goods: Goods, activity_id: int) -> tuple[str, str]:
    """A group whose leader has paid: the order's number, and the group's id."""
    number = join_group(field, shopper, goods, activity_id)
    detail = shopper.phone.call("GET", f"/orders/{number}")
    return number, str(detail["group"]["group_id"])


def seat(shopper: Shopper, goods: Goods, activity_id: int, group_id: str = "") -> str:
    """An unpaid order that opens a group, or joins one; its number."""
    choice = {"activity_id": str(activity_id), **({"group_id": group_id} if group_id else {})}
    wish = shopper.wish((goods, 1)) | {"group_buy": choice}
    return str(shopper.phone.call("POST", "/orders", shopper.agree(wish))["order_number"])


def join_group(field: Field, shopper: Shopper, goods: Goods, activity_id: int, group_id: str = "") -> str:
    """The same, paid and told of."""
    number = seat(shopper, goods, activity_id, group_id)
    shopper.pay(number)
    field.wechat.deliver_notifications()
    return number
