"""GET /group-buys/{activity_id}: one activity with the groups that can be joined."""

from typing import Annotated

from orchard.group_buy.schemas import ActivityDetail, Id
from orchard.group_buy.service import reading
from orchard.runtime.api import Api, Path, Transaction

api = Api()


@api.get("/group-buys/<activity_id>")
def show_group_buy(activity_id: Annotated[Id, Path()], tx: Transaction) -> ActivityDetail:
    return reading.show_group_buy(tx, activity_id)


handler = api.handler
