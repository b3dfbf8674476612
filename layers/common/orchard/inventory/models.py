"""Words of the stock: what a line takes, what the ledger records, what is refused."""

from enum import StrEnum
from typing import NamedTuple

from orchard.core.errors import Conflict, NotFound

# The location that every shop begins with; the migration creates it.
MAIN_LOCATION = 1


class LedgerKind(StrEnum):
    """Why stock moved. The first three belong to an order line, and so does RETURN."""

    RESERVE = "RESERVE"
    RELEASE = "RELEASE"
    DEDUCT = "DEDUCT"
    OPENING = "OPENING"
    RECEIVE = "RECEIVE"
    ADJUST = "ADJUST"
    RETURN = "RETURN"
    WRITE_OFF = "WRITE_OFF"


class AdjustReason(StrEnum):
    """Why an operator or an import changes what is on hand: goods in, a count, goods lost."""

    RECEIVE = "RECEIVE"
    ADJUST = "ADJUST"
    WRITE_OFF = "WRITE_OFF"


class StockLine(NamedTuple):
    """Units of one SKU that one order line takes from one location."""

    line_id: int
    sku_id: int
    quantity: int
    location_id: int


class OutOfStock(Conflict):
    """Not enough is free. `lines` lists {sku_id, available} where it is known."""

    code = "out_of_stock"
    message = "部分商品库存不足，请调整数量后重试"


class StockLineNotOpen(Conflict):
    """The line has no live reservation: never reserved, or released or deducted before."""

    code = "stock_line_not_open"
    message = "该订单的库存已处理，请勿重复操作"


class StockLineReserved(Conflict):
    """The line was reserved before."""

    code = "stock_line_reserved"
    message = "该订单的库存已预留，请勿重复操作"


class BelowReserved(Conflict):
    """The change would leave fewer units on hand than are reserved for open orders."""

    code = "stock_below_reserved"
    message = "库存不能低于已预留的数量"


class AdjustmentKeyReused(Conflict):
    """The key of an adjustment was used before for another change."""

    code = "adjustment_key_reused"
    message = "请勿重复使用同一调整编号"


class StockNotKept(NotFound):
    """No stock of this SKU is kept at this location."""


class AlreadyOpened(Conflict):
    """Two imports opened the same SKU's stock at once; repeating finds it opened."""

    code = "stock_already_opened"
