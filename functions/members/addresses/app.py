"""GET, POST /addresses: the member's delivery addresses."""

from orchard.members.schemas import AddressDetail, AddressDraft, AddressList
from orchard.members.service import addresses
from orchard.runtime.api import Api, CurrentMember, Transaction

api = Api()


@api.get("/addresses")
def get_addresses(member: CurrentMember, tx: Transaction) -> AddressList:
    return addresses.list_addresses(tx, member)


@api.post("/addresses", status_code=201, personal=True)
def post_addresses(draft: AddressDraft, member: CurrentMember, tx: Transaction) -> AddressDetail:
    return addresses.add_address(tx, member, draft)


handler = api.handler
