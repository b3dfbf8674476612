"""All SQL of members."""

from collections.abc import Mapping, Sequence
from typing import Any

from orchard.core.errors import Unauthenticated
from orchard.members.models import MemberState, PhoneTaken
from orchard.runtime.database import Row, Statement, insert, placeholders

_PROFILE = "id, state, nickname, avatar_url, gender, birthday, phone_sealed, joined_at"
_ADDRESS = (
    "id, member_id, default_mark, region_code, province, city, district, tag, recipient_sealed, phone_sealed,"
    " detail_sealed, position_sealed"
)


def by_openid(openid_hash: bytes) -> Statement:
    """The member with this openid, locked: a login and a freezing of the same member go one after the other."""
    return Statement(f"SELECT {_PROFILE} FROM member WHERE openid_hash = %s FOR UPDATE", (openid_hash,))


def insert_member(member_id: int, openid_hash: bytes, openid_sealed: bytes) -> Statement:
    """A new member; does nothing when the openid has one already."""
    return Statement(
        "INSERT INTO member (id, openid_hash, openid_sealed, state, joined_at)"
        " VALUES (%s, %s, %s, %s, UTC_TIMESTAMP(6)) ON DUPLICATE KEY UPDATE id = id",
        (member_id, openid_hash, openid_sealed, MemberState.ACTIVE.value),
    )


def profile(member_id: int) -> Statement:
    """A member's profile row."""
    return Statement(f"SELECT {_PROFILE} FROM member WHERE id = %s", (member_id,))


def nicknames(member_ids: Sequence[int]) -> Statement:
    """id and nickname of these members (at least one)."""
    return Statement(f"SELECT id, nickname FROM member WHERE id IN ({placeholders(member_ids)})", list(member_ids))


def openid_sealed(member_id: int) -> Statement:
    """The encrypted openid."""
    return Statement("SELECT openid_sealed FROM member WHERE id = %s", (member_id,))


def change_profile(member_id: int, changes: Mapping[str, Any]) -> Statement:
    """Set the given columns, whose names come from the closed schema."""
    columns = ", ".join(f"{column} = %s" for column in changes)
    return Statement(f"UPDATE member SET {columns} WHERE id = %s", [*changes.values(), member_id], expect=1)


def set_state(member_id: int, state: MemberState) -> Statement:
    """Freeze or unfreeze; affects no row when there is no such member."""
    return Statement("UPDATE member SET state = %s WHERE id = %s", (state.value, member_id))


def set_phone(member_id: int, phone_hash: bytes, phone_sealed: bytes) -> Statement:
    """Bind the phone number. Raises PhoneTaken when it is another member's."""
    return Statement(
        "UPDATE member SET phone_hash = %s, phone_sealed = %s, phone_bound_at = UTC_TIMESTAMP(6) WHERE id = %s",
        (phone_hash, phone_sealed, member_id),
        expect=1,
        on_duplicate=PhoneTaken(),
    )


def lock_member(member_id: int) -> Statement:
    """The member's row, locked: all changes of their addresses go one after the other."""
    return Statement(
        "SELECT id FROM member WHERE id = %s FOR UPDATE", (member_id,), expect=1, otherwise=Unauthenticated()
    )


def addresses(member_id: int) -> Statement:
    """All addresses of a member, the default first, then the newest."""
    return Statement(
        f"SELECT {_ADDRESS} FROM member_address WHERE member_id = %s ORDER BY default_mark IS NULL, id DESC",
        (member_id,),
    )


def address(member_id: int, address_id: int) -> Statement:
    """One address of this member."""
    return Statement(f"SELECT {_ADDRESS} FROM member_address WHERE id = %s AND member_id = %s", (address_id, member_id))


def insert_address(values: Mapping[str, Any]) -> Statement:
    """A new address."""
    return insert("member_address", [values])


def replace_address(member_id: int, address_id: int, values: Mapping[str, Any]) -> Statement:
    """Set every column of an address that exists."""
    columns = ", ".join(f"{column} = %s" for column in values)
    return Statement(
        f"UPDATE member_address SET {columns} WHERE id = %s AND member_id = %s",
        [*values.values(), address_id, member_id],
        expect=1,
    )


def delete_address(member_id: int, address_id: int) -> Statement:
    """Remove an address that exists."""
    return Statement("DELETE FROM member_address WHERE id = %s AND member_id = %s", (address_id, member_id), expect=1)


def unmark_default(member_id: int) -> Statement:
    """Take the mark from whichever address has it."""
    return Statement(
        "UPDATE member_address SET default_mark = NULL WHERE member_id = %s AND default_mark = 1", (member_id,)
    )


def mark_default(member_id: int, address_id: int) -> Statement:
    """Make an address the default; no other may be marked at this moment."""
    return Statement(
        "UPDATE member_address SET default_mark = 1 WHERE id = %s AND member_id = %s",
        (address_id, member_id),
        expect=1,
    )


def first(rows: Sequence[Row]) -> Row | None:
    """The only row, or None."""
    return rows[0] if rows else None
