"""Delivery addresses: at most fifty, one default whenever there is any, each changed under the member's lock."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from orchard.core.errors import NotFound
from orchard.core.ids import new_id
from orchard.members import store
from orchard.members.models import MAX_ADDRESSES, TooManyAddresses
from orchard.members.schemas import AddressDetail, AddressDraft, AddressList
from orchard.members.service.address_book import PLAIN, SEALED, read_address, seal
from orchard.runtime.database import Row, Tx
from orchard.runtime.sessions import MemberSession


def list_addresses(tx: Tx, member: MemberSession) -> AddressList:
    """All of the caller's addresses, the default first, then the newest."""
    rows = tx.packet([store.addresses(member.member_id)])[0].rows
    return AddressList(addresses=[_detail(row, member) for row in rows])


def show_address(tx: Tx, member: MemberSession, address_id: int) -> AddressDetail:
    """One of the caller's addresses. Raises NotFound for a missing or foreign one."""
    rows = tx.packet([store.address(member.member_id, address_id)])[0].rows
    return AddressDetail(**asdict(read_address(rows, member.member_id)))


def add_address(tx: Tx, member: MemberSession, draft: AddressDraft) -> AddressDetail:
    """Keep a new address; the first one is the default whatever it says. Raises TooManyAddresses."""
    kept = _locked(tx, member)
    if len(kept) >= MAX_ADDRESSES:
        raise TooManyAddresses
    address_id = new_id()
    is_default = draft.is_default or not kept
    values = {"id": address_id, "member_id": member.member_id, **_columns(member.member_id, address_id, draft)}
    values["default_mark"] = 1 if is_default else None
    unmark = [store.unmark_default(member.member_id)] if is_default else []
    tx.packet([*unmark, store.insert_address(values)])
    return show_address(tx, member, address_id)


def replace_address(tx: Tx, member: MemberSession, address_id: int, draft: AddressDraft) -> AddressDetail:
    """Replace an address. The default stays the default until another one takes its place. Raises NotFound."""
    current = _find(_locked(tx, member), address_id)
    is_default = draft.is_default or current["default_mark"] is not None
    values = {**_columns(member.member_id, address_id, draft), "default_mark": 1 if is_default else None}
    unmark = [store.unmark_default(member.member_id)] if is_default else []
    tx.packet([*unmark, store.replace_address(member.member_id, address_id, values)])
    return show_address(tx, member, address_id)


def delete_address(tx: Tx, member: MemberSession, address_id: int) -> None:
    """Remove an address; if it was the default, the newest of the others becomes it. Raises NotFound."""
    kept = _locked(tx, member)
    current = _find(kept, address_id)
    others = [row["id"] for row in kept if row["id"] != address_id]
    heir = max(others) if others and current["default_mark"] is not None else None
    promote = [store.mark_default(member.member_id, heir)] if heir is not None else []
    tx.packet([store.delete_address(member.member_id, address_id), *promote])


def _locked(tx: Tx, member: MemberSession) -> list[Row]:
    return tx.packet([store.lock_member(member.member_id), store.addresses(member.member_id)])[1].rows


def _find(rows: Sequence[Row], address_id: int) -> Row:
    found = next((row for row in rows if row["id"] == address_id), None)
    if found is None:
        raise NotFound
    return found


def _columns(member_id: int, address_id: int, draft: AddressDraft) -> dict[str, Any]:
    position = None if draft.latitude is None else f"{draft.latitude!r},{draft.longitude!r}"
    owner = {"id": address_id, "member_id": member_id}
    sealed = {f"{name}_sealed": seal(owner, name, getattr(draft, name)) for name in SEALED}
    return {
        **{name: getattr(draft, name) for name in PLAIN},
        **sealed,
        "position_sealed": None if position is None else seal(owner, "position", position),
    }


def _detail(row: Row, member: MemberSession) -> AddressDetail:
    return AddressDetail(**asdict(read_address([row], member.member_id)))
