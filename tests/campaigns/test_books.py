"""One of everything: the shortest way through the shop, and both books at its end."""

from tests.campaigns.field import Field


def test_an_order_is_placed_paid_and_booked(field: Field) -> None:
    shopper, goods = field.shopper(), field.shelf.sell(price_fen=1500)
    number = shopper.order(goods, 2)
    shopper.pay(number)
    field.eventually(lambda: shopper.state(number) == "TO_SHIP")
    assert [paid["paid_fen"] for paid in field.at_wechat(number)] == [3000]
    field.check()
