"""What a query of WeChat Pay comes to, fault by fault, against the sandbox."""

import pytest

from orchard.core.errors import CounterpartyUnknown, Unavailable
from orchard.workflows.ask_wechat import Standing, ask
from tests.support.till import Till


def test_the_four_standings(till: Till) -> None:
    assert ask(till.db, "20260101AAAAAAAAAAAAAAAA") is Standing.MISSING
    buyer = till.buyer()
    unpaid, paid = till.order(buyer), till.order(buyer)
    till.sheet(buyer, unpaid)
    till.take_money(buyer, paid)
    assert ask(till.db, unpaid) is Standing.UNPAID
    assert ask(till.db, paid) is Standing.PAID
    till.cancel(buyer, unpaid)
    assert ask(till.db, unpaid) is Standing.CLOSED
    assert till.state(paid) == "TO_SHIP"


@pytest.mark.parametrize("code", ["ORDER_NOT_EXIST", "ORDERNOTEXIST", "ORDER_NOT_EXISTS"])
def test_every_spelling_of_missing(till: Till, code: str) -> None:
    till.sandbox.misbehave("pay_error", call="query", value={"status": 404, "code": code, "message": "-"})
    assert ask(till.db, "20260101AAAAAAAAAAAAAAAA") is Standing.MISSING


def test_order_closed_at_a_query_is_closed(till: Till) -> None:
    till.sandbox.misbehave("pay_error", call="query", value={"status": 400, "code": "ORDER_CLOSED", "message": "-"})
    assert ask(till.db, "20260101AAAAAAAAAAAAAAAA") is Standing.CLOSED


@pytest.mark.parametrize(
    ("fault", "error"),
    [("error_before", CounterpartyUnknown), ("user_paying", CounterpartyUnknown), ("rate_limited", Unavailable),
     ("signature_corrupt", CounterpartyUnknown), ("reset_before", CounterpartyUnknown)],
)  # fmt: skip
def test_no_answer_is_never_a_standing(till: Till, fault: str, error: type[Exception]) -> None:
    till.sandbox.misbehave(fault, call="query", times=2)
    with pytest.raises(error):
        ask(till.db, "20260101AAAAAAAAAAAAAAAA")
