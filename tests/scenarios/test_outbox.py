"""Events reach their workers at least once and act once, however often, in whatever order, beside whatever poison."""

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local.processes import LocalCloudError
from tests.support.scenario import RunningShop, Shopper, body_of, database_of
from tests.support.shop import Goods

_QUEUE, _FAILURES = "RecordSalesQueue", "RecordSalesFailures"


@pytest.fixture
def impatient(shop: RunningShop) -> Iterator[None]:
    """Messages that failed come again after a second, so that nobody waits out the queue's own three minutes."""
    sqs, url = shop.cloud.aws.sqs(), shop.cloud.queue_urls[_QUEUE]
    kept = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1"})
    yield
    sqs.set_queue_attributes(QueueUrl=url, Attributes=kept)


def _sold(shop: RunningShop, shopper: Shopper, goods: Goods, quantity: int) -> str:
    """A paid order whose events still wait in the outbox."""
    number = shopper.order(goods, quantity)
    shopper.pay(number)
    shop.eventually(lambda: shopper.state(number) == "TO_SHIP")
    return number


def _sales(shop: RunningShop, shopper: Shopper, goods: Goods) -> int:
    return int(shopper.phone.call("GET", f"/products/{goods.product_id}")["sales_count"])


def _event(shop: RunningShop, number: str) -> dict[str, Any]:
    (row,) = shop.rows(
        "SELECT id, topic, subject, payload FROM outbox WHERE topic = 'order.paid' AND subject = %s", number
    )
    return {"id": str(row["id"]), "topic": row["topic"], "subject": number, "payload": json.loads(row["payload"])}


def _dead_letters(shop: RunningShop) -> list[dict[str, Any]]:
    """Take what lies in the dead-letter queue."""
    sqs, url = shop.cloud.aws.sqs(), shop.cloud.queue_urls[_FAILURES]
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"]).get("Messages", [])
    for message in found:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [dict(message) for message in found]


@pytest.mark.usefixtures("impatient")
def test_only_the_poisoned_message_is_tried_again_and_ends_as_a_dead_letter(
    shop: RunningShop, shopper: Shopper
) -> None:
    goods = shop.shelf.sell()
    shop.relay()
    numbers = [_sold(shop, shopper, goods, quantity) for quantity in (1, 2)]
    good = [_event(shop, number) for number in numbers]
    poison = {"id": "1", "topic": "order.paid", "subject": "POISON", "payload": {}}
    shop.change(
        "INSERT INTO outbox (id, topic, subject, payload) VALUES (%s, 'order.paid', 'POISON', '{}')", poison["id"]
    )
    mark = shop.log_mark()
    assert shop.fire("relay_outbox")["published"] >= 3
    shop.eventually(lambda: shop.cloud.aws.waiting_messages([shop.cloud.queue_urls[_FAILURES]]) > 0)
    assert [body_of(message) for message in _dead_letters(shop)] == [poison]
    assert _sales(shop, shopper, goods) == 3
    failures = [line for line in shop.log_since(mark) if '"message failed"' in line]
    assert len(failures) == 8, "as often as the queue's redrive policy says"
    handled = shop.rows("SELECT event_id FROM consumed_event WHERE consumer = 'record_sales'")
    assert {int(event["id"]) for event in good} <= {row["event_id"] for row in handled}
    assert 1 not in {row["event_id"] for row in handled}
    shop.change("DELETE FROM outbox WHERE id = 1")


def test_messages_twice_and_backwards_count_once(shop: RunningShop, shopper: Shopper) -> None:
    goods = shop.shelf.sell()
    numbers = [_sold(shop, shopper, goods, quantity) for quantity in (1, 2)]
    shop.relay()
    assert _sales(shop, shopper, goods) == 3
    sqs, url = shop.cloud.aws.sqs(), shop.cloud.queue_urls[_QUEUE]
    for number in [*reversed(numbers), *numbers]:
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(_event(shop, number)))
    shop.drain()
    assert _sales(shop, shopper, goods) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="finds the function's process in /proc")
@pytest.mark.usefixtures("impatient")
def test_a_relay_killed_after_sending_sends_again_and_the_sale_counts_once(shop: RunningShop, shopper: Shopper) -> None:
    goods = shop.shelf.sell()
    shop.relay()
    number = _sold(shop, shopper, goods, 3)
    holder = database_of(shop.cloud)
    tx = holder.transaction()
    tx.rows("SELECT id FROM outbox WHERE published_at IS NULL FOR UPDATE")
    ends: list[object] = []
    relay = threading.Thread(target=_fire, args=(shop, ends), daemon=True)
    relay.start()
    # The queues have the messages now; what is left is to remember it, and that waits for our lock.
    shop.eventually(lambda: _marking(shop))
    for pid in _gateway_workers():
        os.kill(pid, signal.SIGKILL)
    relay.join(30)
    assert [type(end) for end in ends] == [LocalCloudError]
    tx.rollback()
    holder.discard()
    assert shop.rows("SELECT id FROM outbox WHERE subject = %s AND published_at IS NULL", number)
    assert shop.relay()["published"] >= 2
    assert _sales(shop, shopper, goods) == 3
    assert shop.rows("SELECT id FROM outbox WHERE subject = %s AND published_at IS NULL", number) == []


def _fire(shop: RunningShop, ends: list[object]) -> None:
    try:
        ends.append(shop.fire("relay_outbox"))
    except LocalCloudError as error:
        ends.append(error)


def _marking(shop: RunningShop) -> bool:
    """Whether the relay has come to the statement that remembers what was sent."""
    sql = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%%UPDATE outbox SET published_at%%'"
    return int(shop.one(f"{sql} AND id <> CONNECTION_ID()")) > 0


def _gateway_workers() -> list[int]:
    """The processes that run this bundle's functions: gunicorn's children below our own children."""
    commands = {pid: _command(pid) for pid in _descendants(os.getpid())}
    servers = {pid for pid, command in commands.items() if "infra.local.gunicorn_conf" in command}
    return [pid for pid in servers if _parent(pid) in servers and "guard.py" not in commands[_parent(pid)]]


def _descendants(root: int) -> set[int]:
    parents = {int(entry.name): _parent(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {root}


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
