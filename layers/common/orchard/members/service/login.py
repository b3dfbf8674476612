"""Login: WeChat says who it is, the database makes one member of it, a session begins."""

from orchard.members.models import MemberFrozen, MemberState
from orchard.members.schemas import LoggedIn, LoggedOut, LogInRequest, LogOutRequest
from orchard.members.service import wechat
from orchard.members.service.identity import member_of
from orchard.members.service.profile import as_profile
from orchard.runtime import crash_points, sessions, settings
from orchard.runtime.database import Connection, Tx
from orchard.runtime.sessions import MemberSession

_SECONDS_A_DAY = 86_400


def log_in(transactions: Connection, request: LogInRequest) -> LoggedIn:
    """Exchange a wx.login code for a session; WeChat is asked before any transaction begins.

    Raises InvalidLoginCode, HighRiskAccount, MemberFrozen, or what a call to WeChat raises.
    """
    openid = wechat.client(transactions).code_to_session(request.code).openid
    crash_points.reached("log_in.code_traded")
    return transactions.run(lambda tx: _enter(tx, openid))


def log_out(tx: Tx, member: MemberSession, request: LogOutRequest) -> LoggedOut:
    """End this session, or all of the member's."""
    return LoggedOut(sessions_ended=sessions.revoke(tx, member, everywhere=request.everywhere))


def _enter(tx: Tx, openid: str) -> LoggedIn:
    row, is_new = member_of(tx, openid)
    if row["state"] != MemberState.ACTIVE:
        raise MemberFrozen
    return LoggedIn(
        token=sessions.open_session(tx, row["id"]),
        expires_in=settings.session().days * _SECONDS_A_DAY,
        is_new=is_new,
        profile=as_profile(row),
    )
