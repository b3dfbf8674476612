"""The address an order was placed for: encrypted with the order, shown to its owner, masked for everybody else."""

import json

from orchard.members.service import Address
from orchard.runtime import personal_data

_FIELDS = ("recipient", "phone", "region_code", "province", "city", "district", "detail")


def seal(order_id: int, address: Address | None) -> bytes | None:
    """The snapshot as stored."""
    if address is None:
        return None
    snapshot = {name: getattr(address, name) for name in _FIELDS}
    return personal_data.encrypt(json.dumps(snapshot, ensure_ascii=False), _context(order_id))


def unseal(order_id: int, sealed: bytes | None) -> dict[str, str] | None:
    """The snapshot in plain; only for the order's owner or a logged read."""
    if sealed is None:
        return None
    snapshot: dict[str, str] = json.loads(personal_data.decrypt(sealed, _context(order_id)))
    return snapshot


def _context(order_id: int) -> str:
    return f"orders.address_sealed:{order_id}"
