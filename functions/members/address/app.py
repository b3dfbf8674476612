"""GET, PUT, DELETE /addresses/{address_id}: one delivery address."""

from typing import Annotated

from orchard.core.schemas import Id
from orchard.members.schemas import AddressDetail, AddressDraft
from orchard.members.service import addresses
from orchard.runtime.api import Api, CurrentMember, Path, Transaction

AddressId = Annotated[Id, Path()]
api = Api()


@api.get("/addresses/<address_id>")
def get_address(address_id: AddressId, member: CurrentMember, tx: Transaction) -> AddressDetail:
    return addresses.show_address(tx, member, address_id)


@api.put("/addresses/<address_id>")
def put_address(address_id: AddressId, draft: AddressDraft, member: CurrentMember, tx: Transaction) -> AddressDetail:
    return addresses.replace_address(tx, member, address_id, draft)


@api.delete("/addresses/<address_id>", status_code=204)
def delete_address(address_id: AddressId, member: CurrentMember, tx: Transaction) -> None:
    addresses.delete_address(tx, member, address_id)


handler = api.handler
