"""POST /orders/{order_number}/confirm-payment: ask WeChat Pay after the sheet has closed."""

from typing import Annotated

from orchard.payments.schemas import PaymentStatus
from orchard.runtime.api import Api, CurrentMember, Path, Transactions
from orchard.workflows import pay_order

api = Api()


# The client's belief is not even read: this only triggers a query.
@api.post("/orders/<order_number>/confirm-payment", idempotent=False)
def confirm_payment(
    order_number: Annotated[str, Path(max_length=32)], member: CurrentMember, transactions: Transactions
) -> PaymentStatus:
    return pay_order.confirm_payment(transactions, member, order_number)


handler = api.handler
