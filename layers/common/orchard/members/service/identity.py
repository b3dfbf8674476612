"""Who a member is to WeChat, and whether they may come in."""

from orchard.core.errors import NotFound
from orchard.core.ids import new_id
from orchard.members import store
from orchard.members.models import MemberState
from orchard.runtime import outbox, personal_data, sessions
from orchard.runtime.database import Row, Tx
from orchard.runtime.sessions import MemberSession


def join(tx: Tx, openid: str) -> int:
    """The id of the member with this openid, made now if there is none."""
    return int(member_of(tx, openid)[0]["id"])


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


def member_of(tx: Tx, openid: str) -> tuple[Row, bool]:
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
