"""GET /my-groups: the groups that the member opened or joined, newest first."""

from typing import Annotated

from orchard.group_buy.schemas import MyGroupPage
from orchard.group_buy.service import reading
from orchard.runtime.api import Api, CurrentMember, Query, Transaction

api = Api()


@api.get("/my-groups")
def list_my_groups(
    member: CurrentMember,
    tx: Transaction,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
) -> MyGroupPage:
    return reading.list_my_groups(tx, member, cursor, limit)


handler = api.handler
