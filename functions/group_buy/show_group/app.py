"""GET /groups/{group_id}: one group, fit for its share card; nobody is named in full."""

from typing import Annotated

from orchard.group_buy.schemas import GroupDetail, Id
from orchard.group_buy.service import reading
from orchard.runtime.api import Api, Path, Transaction

api = Api()


@api.get("/groups/<group_id>")
def show_group(group_id: Annotated[Id, Path()], tx: Transaction) -> GroupDetail:
    return reading.show_group(tx, group_id)


handler = api.handler
