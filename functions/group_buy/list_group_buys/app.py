"""GET /group-buys: activities that run or will, with their SKUs and prices."""

from orchard.group_buy.schemas import ActivityList
from orchard.group_buy.service import reading
from orchard.runtime.api import Api, Transaction

api = Api()


@api.get("/group-buys")
def list_group_buys(tx: Transaction) -> ActivityList:
    return reading.list_group_buys(tx)


handler = api.handler
