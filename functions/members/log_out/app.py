"""POST /log-out: end this session, or all of the member's."""

from orchard.members.schemas import LoggedOut, LogOutRequest
from orchard.members.service import login
from orchard.runtime.api import Api, CurrentMember, Transaction

api = Api()


@api.post("/log-out", idempotent=False)
def log_out(request: LogOutRequest, member: CurrentMember, tx: Transaction) -> LoggedOut:
    return login.log_out(tx, member, request)


handler = api.handler
