"""One address, sealed in its row and opened for an order: what other capabilities need of addresses."""

from collections.abc import Sequence

from orchard.core.errors import NotFound
from orchard.members import store
from orchard.members.models import Address
from orchard.runtime import personal_data
from orchard.runtime.database import Row, Statement

SEALED = ("recipient", "phone", "detail")
PLAIN = ("region_code", "province", "city", "district", "tag")


def address_statement(member_id: int, address_id: int) -> Statement:
    """The query for `read_address`: no row unless the address is this member's."""
    return store.address(member_id, address_id)


def read_address(rows: Sequence[Row], member_id: int) -> Address:
    """The address in the rows of `address_statement`. Raises NotFound where there is none."""
    if not rows or rows[0]["member_id"] != member_id:
        raise NotFound
    row = rows[0]
    opened = {name: _open(row, name) for name in SEALED}
    latitude, longitude = _position(row)
    return Address(
        address_id=row["id"],
        is_default=row["default_mark"] is not None,
        latitude=latitude,
        longitude=longitude,
        **opened,
        **{name: row[name] for name in PLAIN},
    )


def seal(owner: Row, name: str, value: str) -> bytes:
    """A field as stored; `owner` has the address's id and member_id, which the seal is bound to."""
    return personal_data.encrypt(value, _context(owner, name))


def _open(row: Row, name: str) -> str:
    return personal_data.decrypt(row[f"{name}_sealed"], _context(row, name))


def _context(row: Row, name: str) -> str:
    return f"member_address.{name}_sealed:{row['member_id']}:{row['id']}"


def _position(row: Row) -> tuple[float | None, float | None]:
    if row["position_sealed"] is None:
        return None, None
    latitude, longitude = _open(row, "position").split(",")
    return float(latitude), float(longitude)
