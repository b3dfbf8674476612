"""POST /log-out: end this session, or all of the member's."""

from orchard.members import service
from orchard.members.schemas import LoggedOut, LogOutRequest
from orchard.runtime.api import Api, CurrentMember, Transaction

api = Api()


@api.post("/log-out", idempotent=False)
def log_out(request: LogOutRequest, member: CurrentMember, tx: Transaction) -> LoggedOut:
    return service.log_out(tx, member, request)


handler = api.handler
