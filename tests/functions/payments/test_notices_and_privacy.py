"""What notifications leave behind in logs and before operators: numbers and codes, nobody's openid."""

import logging

import pytest

from tests.support.notices import Platform
from tests.support.till import PRICE_FEN, Till


def test_nobodys_openid_is_logged_or_put_before_an_operator(
    till: Till, platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    buyer = till.buyer()
    number = till.order(buyer)
    till.sheet(buyer, number)
    stranger = "oStranger0000000000000000001"
    for change in ({"payer": {"openid": stranger}}, {"amount": {"total": 1, "payer_total": 1, "currency": "CNY"}}):
        notice = platform.payment(number, buyer.openid, 2 * PRICE_FEN, **change)
        assert platform.notice("transaction", notice).post().status == 400
    till.take_money(buyer, number)
    till.sandbox.deliver_notifications()
    assert till.state(number) == "TO_SHIP"
    written = [str(vars(record)) for record in caplog.records if record.name != "infra.local.wechat_sandbox"]
    shown = [*written, *(row["detail"] for row in till.rows("SELECT detail FROM payment_exception"))]
    assert len(shown) > 2
    assert [line for line in shown if stranger in line or buyer.openid in line] == []
