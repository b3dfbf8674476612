"""Login: WeChat says who it is, the database makes one member of it, a session begins."""

from orchard.core.errors import NotFound
from orchard.core.ids import new_id
from orchard.members import store
from orchard.members.models import MemberFrozen, MemberState
from orchard.members.schemas import LoggedIn, LoggedOut, LogInRequest, LogOutRequest
from orchard.members.service import wechat
from orchard.members.service.profile import as_profile
from orchard.runtime import outbox, personal_data, sessions, settings
from orchard.runtime.database import Connection, Row, Tx
from orchard.runtime.sessions import MemberSession

_SECONDS_A_DAY = 86_400


def log_in(transactions: Connection, request: LogInRequest) -> LoggedIn:
    """Exchange a wx.login code for a session; WeChat is asked before any transaction begins.

    Raises InvalidLoginCode, HighRiskAccount, MemberFrozen, or what a call to WeChat raises.
    """
    openid = wechat.client(transactions).code_to_session(request.code).openid
    return transactions.run(lambda tx: _enter(tx, openid))


def join(tx: Tx, openid: str) -> int:
    """The id of the member with this openid, made now if there is none."""
    return int(_member_of(tx, openid)[0]["id"])


def log_out(tx: Tx, member: MemberSession, request: LogOutRequest) -> LoggedOut:
    """End this session, or all of the member's."""
    return LoggedOut(sessions_ended=sessions.revoke(tx, member, everywhere=request.everywhere))


def member_openid(tx: Tx, member_id: int) -> str:
    """The openid, for payments and messages. Raises NotFound."""
    row = store.first(tx.packet([store.openid_sealed(member_id)])[0].rows)
    if row is None:
        raise NotFound
    return personal_data.decrypt(row["openid_sealed"], _openid_context(member_id))


def freeze(tx: Tx, member_id: int) -> None:
    """Shut a member out: their sessions end and no new one begins. Raises NotFound."""
    if not tx.execute(store.set_state(member_id, MemberState.FROZEN)):
        raise NotFound
    sessions.revoke(tx, MemberSession(member_id=member_id, session_id=0), everywhere=True)


def unfreeze(tx: Tx, member_id: int) -> None:
    """Let a member log in again. Raises NotFound."""
    if not tx.execute(store.set_state(member_id, MemberState.ACTIVE)):
        raise NotFound


def _enter(tx: Tx, openid: str) -> LoggedIn:
    row, is_new = _member_of(tx, openid)
    if row["state"] != MemberState.ACTIVE:
        raise MemberFrozen
    return LoggedIn(
        token=sessions.open_session(tx, row["id"]),
        expires_in=settings.session().days * _SECONDS_A_DAY,
        is_new=is_new,
        profile=as_profile(row),
    )


def _member_of(tx: Tx, openid: str) -> tuple[Row, bool]:
    """The member's row, locked, and whether it was made just now."""
    digest = personal_data.search_hash(f"openid:{openid}")
    row = store.first(tx.packet([store.by_openid(digest)])[0].rows)
    if row is not None:
        return row, False
    member_id = new_id()
    sealed = personal_data.encrypt(openid, _openid_context(member_id))
    _, found = tx.packet([store.insert_member(member_id, digest, sealed), store.by_openid(digest)])
    # Whoever inserts first wins; everybody reads the winner's row, and only the winner tells of it.
    is_new = found.rows[0]["id"] == member_id
    if is_new:
        tx.execute(outbox.emit("member.joined", str(member_id), {"member_id": str(member_id)}))
    return found.rows[0], is_new


def _openid_context(member_id: int) -> str:
    return f"member.openid_sealed:{member_id}"
