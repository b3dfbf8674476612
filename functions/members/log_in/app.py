"""POST /log-in: exchange a WeChat login code for a session."""

from orchard.members.schemas import LoggedIn, LogInRequest
from orchard.members.service import login
from orchard.runtime.api import Api, Transactions

api = Api()


@api.post("/log-in", idempotent=False)
def log_in(request: LogInRequest, transactions: Transactions) -> LoggedIn:
    return login.log_in(transactions, request)


handler = api.handler
