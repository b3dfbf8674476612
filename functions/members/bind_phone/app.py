"""POST /profile/phone: bind the phone number behind a phone-button code."""

from orchard.members.schemas import PhoneRequest, Profile
from orchard.members.service import profile
from orchard.runtime.api import Api, CurrentMember, Transactions

api = Api()


# No Idempotency-Key: WeChat is asked between transactions, the code works once, and binding again changes nothing.
@api.post("/profile/phone", idempotent=False)
def bind_phone(request: PhoneRequest, member: CurrentMember, transactions: Transactions) -> Profile:
    return profile.bind_phone(transactions, member, request)


handler = api.handler
