"""POST /quotes: what an order for these lines would cost now, and what stands in its way."""

from orchard.orders.schemas.placing import Quote, QuoteRequest
from orchard.orders.service import quote
from orchard.runtime.api import Api, CurrentMember, Transaction

api = Api()


# A quote changes nothing, so it takes no idempotency key.
@api.post("/quotes", idempotent=False)
def quote_order(request: QuoteRequest, member: CurrentMember, tx: Transaction) -> Quote:
    return quote.quote_order(tx, member, request)


handler = api.handler
