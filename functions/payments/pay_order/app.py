"""POST /orders/{order_number}/pay: what the mini-program needs to open the payment sheet."""

from typing import Annotated

from orchard.payments.schemas import PaymentSheet
from orchard.runtime.api import Api, CurrentMember, Path, Transactions
from orchard.workflows import pay_order as workflow

api = Api()


# No key needed: the order number is the key, at WeChat Pay as well.
@api.post("/orders/<order_number>/pay", idempotent=False)
def pay_order(
    order_number: Annotated[str, Path(max_length=32)], member: CurrentMember, transactions: Transactions
) -> PaymentSheet:
    return workflow.pay_order(transactions, member, order_number)


handler = api.handler
