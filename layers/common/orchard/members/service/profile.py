"""The member's own profile, and the phone number that WeChat vouches for."""

from orchard.core import clock, text
from orchard.core.errors import Unauthenticated
from orchard.members import store
from orchard.members.schemas import PhoneRequest, Profile, ProfileChange
from orchard.members.service import wechat
from orchard.runtime import crash_points, personal_data
from orchard.runtime.database import Connection, Row, Tx
from orchard.runtime.sessions import MemberSession


def show_profile(tx: Tx, member: MemberSession) -> Profile:
    """The caller's profile, phone number masked."""
    row = store.first(tx.packet([store.profile(member.member_id)])[0].rows)
    if row is None:
        raise Unauthenticated
    return as_profile(row)


def change_profile(tx: Tx, member: MemberSession, change: ProfileChange) -> Profile:
    """Change the fields that were sent; returns the whole profile."""
    changes = change.model_dump(include=change.model_fields_set)
    if changes:
        tx.execute(store.change_profile(member.member_id, changes))
    return show_profile(tx, member)


def bind_phone(transactions: Connection, member: MemberSession, request: PhoneRequest) -> Profile:
    """Bind the number behind a phone-button code; WeChat is asked before any transaction begins.

    Raises InvalidPhoneCode, PhoneTaken, or what a call to WeChat raises.
    """
    phone = wechat.client(transactions).phone_number(request.code)
    crash_points.reached("bind_phone.number_told")
    return transactions.run(lambda tx: _bind(tx, member, phone))


def _bind(tx: Tx, member: MemberSession, phone: str) -> Profile:
    sealed = personal_data.encrypt(phone, _phone_context(member.member_id))
    digest = personal_data.search_hash(f"phone:{phone}")
    _, found = tx.packet([store.set_phone(member.member_id, digest, sealed), store.profile(member.member_id)])
    return as_profile(found.rows[0])


def as_profile(row: Row) -> Profile:
    """The profile in a member's row."""
    sealed = row["phone_sealed"]
    phone = personal_data.decrypt(sealed, _phone_context(row["id"])) if sealed is not None else None
    return Profile(
        member_id=row["id"],
        nickname=row["nickname"],
        display_name=text.isolate(row["nickname"]),
        avatar_url=row["avatar_url"],
        gender=row["gender"],
        birthday=row["birthday"],
        phone=text.mask_phone(phone) if phone is not None else None,
        joined_at=clock.from_database(row["joined_at"]),
    )


def _phone_context(member_id: int) -> str:
    return f"member.phone_sealed:{member_id}"
