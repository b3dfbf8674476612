"""Messages twice, backwards and poisoned, for every worker of the template: one effect, and poison ends apart."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from orchard.core.ids import new_id
from tests.campaigns.field import Field
from tests.campaigns.plan import Plan
from tests.campaigns.race import stage
from tests.campaigns.race.scene import Scene
from tests.campaigns.sometimes import sometimes
from tests.support import events

Message = dict[str, Any]
_GIGANTIC, _LONG_POLL_SECONDS = 200_000, 1.5


@dataclass(frozen=True)
class Work:
    """A worker's events, older before newer, and what they come to: `effect` after all of them is `expected`."""

    messages: list[Message]
    effect: Callable[[], Any]
    expected: Any


def _sales(field: Field) -> Work:
    goods = field.shelf.sell()
    messages = [
        events.message("order.paid", {"lines": [{"product_id": str(goods.product_id), "quantity": quantity}]})
        for quantity in (1, 2)
    ]
    sql = "SELECT sales_count FROM product WHERE id = %s"
    return Work(messages, lambda: field.one(sql, goods.product_id), 3)


def _availability(field: Field) -> Work:
    """Sold out, then given back: whichever event comes last, the flag is the truth of now."""
    scene, goods = Scene(field), field.shelf.sell(stock=1)
    number = scene.shopper.order(goods)
    placed = stage.told_of(field, "order.placed", number)
    scene.shopper.phone.call("POST", f"/orders/{number}/cancel")
    closed = stage.told_of(field, "order.closed", number)
    field.change("UPDATE product SET in_stock = 0 WHERE id = %s", goods.product_id)
    sql = "SELECT in_stock FROM product WHERE id = %s"
    return Work([placed, closed], lambda: field.one(sql, goods.product_id), 1)


def _newcomers(field: Field) -> Work:
    scene = Scene(field)
    template_id = field.coupons.offer(channel="NEWCOMER", quota=100)
    # A second event of the same member is what a relay killed between sending and remembering never makes; but a
    # restored backup may.
    messages = [events.message("member.joined", scene.joined_payload) for _ in range(2)]
    sql = "SELECT COUNT(*) FROM coupon WHERE template_id = %s"
    return Work(messages, lambda: field.one(sql, template_id), 1)


def _refunds(field: Field) -> Work:
    scene = Scene(field)
    out_refund_no = scene.refund["out_refund_no"]

    def sent() -> int:
        return sum(refund["out_refund_no"] == out_refund_no for refund in field.wechat.ledger()["refunds"])

    return Work([scene.refund_message(), scene.refund_message()], sent, 1)


WORKERS: dict[str, Callable[[Field], Work]] = {
    "record_sales": _sales,
    "refresh_availability": _availability,
    "grant_newcomer_coupons": _newcomers,
    "send_refunds": _refunds,
}
each_worker = pytest.mark.parametrize("worker", WORKERS)


def _bodies() -> dict[str, str]:
    """What no relay would send. None of them may have an effect, and none may hold up the others."""
    whole = {"id": str(new_id()), "topic": "order.paid", "subject": "-", "payload": {}}
    broken: dict[str, Any] = {
        "no object": [whole], "null": None, "no id": {k: v for k, v in whole.items() if k != "id"},
        "id is no number": {**whole, "id": "drop table"}, "id is huge": {**whole, "id": "9" * 60},
        "empty payload": whole, "payload is text": {**whole, "payload": "x"},
        "payload is null": {**whole, "payload": None},
        "wrong types": {**whole, "payload": {"lines": 7, "sku_ids": "x", "member_id": [], "refund_id": {}}},
        "negative": {**whole, "payload": {"lines": [{}], "sku_ids": ["-"], "member_id": "-", "refund_id": "-"}},
        "gigantic": {**whole, "payload": {"filling": "果" * (_GIGANTIC // 3)}},
    }  # fmt: skip
    texts = {name: json.dumps(value, ensure_ascii=False) for name, value in broken.items()}
    nested = "[" * 20_000 + "]" * 20_000
    return {**texts, "no JSON": "{order.paid", "empty": "", "nested": nested, "binary": "\u0001\u0002"}


def _poison() -> list[Message]:
    return [{"messageId": secrets.token_hex(16), "body": body} for body in _bodies().values()]


def test_every_worker_of_the_template_is_tried(field: Field) -> None:
    subscribed = {field.cloud.bundle.function(item.function).short_name for item in field.cloud.bundle.subscriptions}
    assert subscribed == WORKERS.keys()


@each_worker
def test_messages_twice_and_backwards_have_one_effect(field: Field, worker: str, campaign: Plan) -> None:
    work = WORKERS[worker](field)
    stage.feed(field, worker, *reversed(work.messages))
    again = work.messages * 3
    campaign.dice(worker).shuffle(again)
    for message in again:
        assert stage.feed(field, worker, {**message, "messageId": secrets.token_hex(16)})[0] == 200
    assert work.effect() == work.expected
    sometimes(f"reordered: {worker}")


@each_worker
def test_poison_fails_alone_and_the_rest_of_its_batch_succeeds(field: Field, worker: str, campaign: Plan) -> None:
    work, poison = WORKERS[worker](field), _poison()
    batch = [*poison, *work.messages]
    campaign.dice(worker).shuffle(batch)
    _, answer = stage.feed(field, worker, *batch)
    failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
    assert failed == {message["messageId"] for message in poison}
    assert work.effect() == work.expected
    sometimes(f"poisoned: {worker}")


@pytest.fixture
def impatient(field: Field) -> Iterator[None]:
    """Messages that failed come again after a second, so that nobody waits out the queues' own minutes."""
    sqs, urls = field.cloud.aws.sqs(), [field.cloud.queue_urls[item.queue] for item in field.cloud.bundle.subscriptions]
    kept = {
        url: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"] for url in urls
    }
    for url in urls:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1"})
    # A long poll that is under way still hides what it takes for the old time; it ends within a second.
    time.sleep(_LONG_POLL_SECONDS)
    yield
    for url, attributes in kept.items():
        sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)


@pytest.mark.usefixtures("impatient")
def test_poison_ends_in_the_dead_letter_queue_of_every_worker(field: Field) -> None:
    sqs, bundle = field.cloud.aws.sqs(), field.cloud.bundle
    poison = '{"id": "1", "topic": "-", "subject": "POISON", "payload": null}'
    queues = {queue.name: queue for queue in bundle.queues}
    dead = [field.cloud.queue_urls[str(queues[item.queue].dead_letter)] for item in bundle.subscriptions]
    works = {item.queue: WORKERS[bundle.function(item.function).short_name](field) for item in bundle.subscriptions}
    for queue, work in works.items():
        url = field.cloud.queue_urls[queue]
        for body in [poison, *(message["body"] for message in work.messages)]:
            sqs.send_message(QueueUrl=url, MessageBody=body)
    field.eventually(lambda: field.cloud.aws.waiting_messages(dead) == len(dead), seconds=90)
    for url in dead:
        (message,) = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
        assert message["Body"] == poison
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    for work in works.values():
        assert work.effect() == work.expected
