"""GET, PUT, DELETE /addresses/{address_id}: one delivery address."""

from orchard.core.schemas import Id
from orchard.members import service
from orchard.members.schemas import AddressDetail, AddressDraft
from orchard.runtime.api import Api, CurrentMember, Transaction

api = Api()


@api.get("/addresses/<address_id>")
def get_address(address_id: Id, member: CurrentMember, tx: Transaction) -> AddressDetail:
    return service.show_address(tx, member, address_id)


@api.put("/addresses/<address_id>")
def put_address(address_id: Id, draft: AddressDraft, member: CurrentMember, tx: Transaction) -> AddressDetail:
    return service.replace_address(tx, member, address_id, draft)


@api.delete("/addresses/<address_id>", status_code=204)
def delete_address(address_id: Id, member: CurrentMember, tx: Transaction) -> None:
    service.delete_address(tx, member, address_id)


handler = api.handler
