"""Money that goes back, comes late or is told of often: a coupon follows its order."""

from collections.abc import Iterator
from typing import Any

import pytest

from orchard.orders import service as orders
from orchard.payments.models import RefundUnits
from orchard.runtime.database import Connection
from orchard.workflows.refund_settled import refund_order
from tests.support import books
from tests.support.coupons import Coupons
from tests.support.shop import Goods, place
from tests.support.till import Till


@pytest.fixture(autouse=True)
def _sound_books(db: Connection) -> Iterator[None]:
    yield
    books.assert_sound(db)


def _body(store_id: str, goods: Goods, quantity: int, coupon_id: str) -> dict[str, Any]:
    lines = [{"sku_id": str(goods.sku_id), "quantity": quantity}]
    return {"lines": lines, "delivery": {"method": "pickup", "store_id": store_id}, "coupon_id": coupon_id}


def _paid(till: Till, coupons: Coupons, *, quantity: int = 3, price_fen: int = 999, **terms: Any) -> tuple[str, str]:
    buyer, goods = till.buyer(), till.shop.sell(price_fen=price_fen)
    coupon_id = coupons.give(buyer.token, **terms)
    body = _body(str(till.shop.open_store()), goods, quantity, coupon_id)
    number = place(buyer.token, body).json["order_number"]
    till.take_money(buyer, number)
    till.sandbox.deliver_notifications()
    return number, coupon_id


def test_a_part_refund_keeps_the_proportional_share_and_the_coupon(till: Till, coupons: Coupons) -> None:
    # 3 x 999 less 500 for 2,900 and more: what is left after one unit comes back would not have met the threshold.
    number, coupon_id = _paid(till, coupons, amount_fen=500, threshold_fen=2900)
    (line,) = till.rows("SELECT l.id, l.payable_fen FROM order_line l JOIN orders o ON o.id = l.order_id"
                        " WHERE o.order_number = %s", number)  # fmt: skip
    assert line["payable_fen"] == 2497
    till.sandbox.settings(minute_between_refunds=False)
    amounts = []
    for key in ("one", "two", "three"):
        asked = refund_order(till.db, number, reason="少了一个", key=key, lines=[RefundUnits(line["id"], 1)])
        amounts.append(asked.amount_fen)
        till.send_refunds()
        till.sandbox.deliver_notifications()
        till.sweep()
        assert coupons.state(coupon_id) == ("AVAILABLE" if key == "three" else "USED")
    assert amounts == [832, 832, 833]
    assert till.state(number) == "REFUNDED"


def test_money_for_a_closed_order_goes_back_and_its_coupon_stays_free(till: Till, coupons: Coupons) -> None:
    buyer, goods = till.buyer(), till.shop.sell(price_fen=2000)
    coupon_id = coupons.give(buyer.token)
    body = _body(str(till.shop.open_store()), goods, 1, coupon_id)
    number = place(buyer.token, body).json["order_number"]
    till.take_money(buyer, number)
    # Closed by hand although money is on its way: the case that closing at WeChat rules out.
    order = till.db.run(lambda tx: orders.locked_order(tx, number))
    assert order is not None
    till.db.run(lambda tx: orders.close(tx, [order], "cancelled"))
    again = place(buyer.token, body).json["order_number"]
    till.sandbox.deliver_notifications()
    till.send_refunds()
    till.sandbox.deliver_notifications()
    till.sweep()
    assert (till.state(number), till.state(again)) == ("CLOSED", "PENDING_PAY")
    assert coupons.state(coupon_id) == "LOCKED"
    assert [row["state"] for row in till.refunds(number)] == ["SUCCESS"]


def test_notifications_twenty_times_use_a_coupon_once(till: Till, coupons: Coupons) -> None:
    number, coupon_id = _paid(till, coupons)
    for _ in range(20):
        till.sandbox.deliver_notifications()
    events = till.rows("SELECT to_state FROM coupon_event WHERE coupon_id = %s ORDER BY version", coupon_id)
    assert [event["to_state"] for event in events] == ["AVAILABLE", "LOCKED", "USED"]
    assert till.state(number) == "TO_SHIP"
